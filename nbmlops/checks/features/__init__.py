"""Checks of features: tests of the code that makes them, what they add to a model, and what leaks through them."""
