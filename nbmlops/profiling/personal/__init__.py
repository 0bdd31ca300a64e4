"""Personal data: by what it is known, in a value or in a column, and how it is told without being shown."""
