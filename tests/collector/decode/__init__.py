"""Mirrors collector/decode."""
