"""Alerts: one for each cause, told when it matters, and the digest of the rest."""
