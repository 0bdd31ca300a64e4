"""Kernels that are started before a step needs them, each for one step."""
