"""The version of the package and of the formats that it writes."""

__all__ = ["STORE_FORMAT", "__version__"]

__version__ = "0.1.0"
STORE_FORMAT = 1
"""Number of the workspace's layout on disk; a higher one than this is refused."""
