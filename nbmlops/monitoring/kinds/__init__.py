"""What each kind of monitor looks at: a module each, whose `judge` gives outcomes."""
