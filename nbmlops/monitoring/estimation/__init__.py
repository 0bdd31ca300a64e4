"""How good a model is where no labels are: estimated from what it says, and from what was seen before."""
