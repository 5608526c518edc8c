"""Mirrors collector/."""
