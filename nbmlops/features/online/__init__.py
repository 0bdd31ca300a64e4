"""The online store: the newest values of each entity, read by key in microseconds."""
