"""Puts a query together from the part that a test is about."""

from influxql.ast import Select
from influxql.parser import parse_one


def select(fields: str, tail: str = "") -> Select:
    """`SELECT fields FROM m tail`, parsed."""
    return parse_one(f"SELECT {fields} FROM m {tail}")  # noqa: S608 - InfluxQL for the parser, never run
