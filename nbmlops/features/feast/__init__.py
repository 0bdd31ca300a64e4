"""Feature views as a repository of Feast."""
