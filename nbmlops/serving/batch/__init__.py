"""Scores of whole tables: a model's answers to every row of a version of data, as a version of their own."""
