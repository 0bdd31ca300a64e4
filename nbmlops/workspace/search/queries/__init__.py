"""SQL of the search: what fits a text, and which things are meant."""
