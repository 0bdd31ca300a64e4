"""Runs, versions and where they come from, as events of OpenLineage."""
