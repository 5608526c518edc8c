"""Mirrors collector/dead."""
