"""Watches what is served: how good it is before labels come."""
