"""Mirrors collector/transform."""
