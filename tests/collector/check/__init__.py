"""Mirrors collector/check."""
