"""Mirrors collector/buffer."""
