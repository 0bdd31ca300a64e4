"""Monitors look at the past: what would have fired when."""
