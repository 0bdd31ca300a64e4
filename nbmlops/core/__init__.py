"""Errors, references, digests, clock and settings: no I/O, imports nothing of ours."""
