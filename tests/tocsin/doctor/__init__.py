"""Tests of the doctor: each thing is broken in turn, and its name is expected."""
