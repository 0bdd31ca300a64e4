"""The lint: a notebook read for what would stop it at night, what is to be ignored, and repairs of its source."""
