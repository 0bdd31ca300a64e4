"""Packages: a frozen pipeline in one file, which runs elsewhere."""
