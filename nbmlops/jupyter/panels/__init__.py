"""Panels: the same views in a cell, in JupyterLab's sidebar and on a page of their own; JS and CSS are in ``web``."""
