"""Checks of a fitted model on rows that it has not seen, each by a name: floor, champion, baseline, slices and more."""
