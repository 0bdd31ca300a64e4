"""The notebook face: ``%ml``, completion, cell capture, display, and the extension of Jupyter Server."""
