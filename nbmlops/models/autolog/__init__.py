"""Logs what scikit-learn fits, while it is asked to: params, measures, pictures, the model, searches with their parts."""

from __future__ import annotations

from nbmlops.models.autolog.autologger import Autologger

__all__ = ["Autologger"]
