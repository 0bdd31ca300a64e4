"""Deployments: who of the callers is answered by which version, and every change of that."""
