"""The panels over HTTP: inside Jupyter Server for the sidebar, and alone for ``nbmlops ui``."""
