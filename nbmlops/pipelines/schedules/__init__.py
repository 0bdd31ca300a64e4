"""Schedules: what starts an Action at which times or after which events, and the daemon that does."""
