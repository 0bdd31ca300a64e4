"""Runs that leave for a folder or for MLflow, and runs that come from there."""
