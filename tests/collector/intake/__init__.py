"""Mirrors collector/intake."""
