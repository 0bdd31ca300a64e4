"""Continuous integration: everything that tells whether a change may be merged, in one command, and its workflow."""
