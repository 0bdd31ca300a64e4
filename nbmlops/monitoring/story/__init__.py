"""What happened to a model, in the order of time, from what the store already knows: nothing is kept for it."""
