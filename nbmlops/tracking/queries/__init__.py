"""SQL of the runs, by what is asked for: the runs themselves, their values, metrics and cells, and journals."""
