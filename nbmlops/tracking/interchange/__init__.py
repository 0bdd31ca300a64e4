"""Runs that leave, and runs that come."""
