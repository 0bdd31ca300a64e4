"""A model over HTTP: requests checked against its signature, answered in batches, by several workers."""
