"""The rows of the grammar, a module for each noun."""
