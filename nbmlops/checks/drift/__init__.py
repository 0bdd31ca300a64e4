"""Has a table drifted from another: distances between columns, and a verdict that does not cry wolf."""
