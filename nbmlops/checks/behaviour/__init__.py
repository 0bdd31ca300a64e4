"""How a model behaves besides its quality: robustness, stability, determinism, budgets, training and stress."""
