"""What stands before the first blank of a line: measurement and tags. Each is read once for all lines that have it.

Only what is sure is read here: no escapes, nothing that a line could not begin with. Lines with another head are odd,
and the fallback reads them one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from sys import intern
from typing import Final

from foundation.line_protocol.line import RESERVED_TAG_KEYS

_MEASUREMENT: Final = rb'[^#\t\x00,= \n\r"\\][^,= \n\r"\\]*'
"""A line that begins with # is a comment; tab and NUL are skipped at the beginning."""
KEY: Final = rb'[^,= \n\r"\\]+'
_TAG: Final = rb'[^,= \n\r"\\]+'

PLAIN_HEAD: Final = b"%s(?:,%s=%s)*" % (_MEASUREMENT, KEY, _TAG)
_PLAIN: Final = re.compile(PLAIN_HEAD)
_MOST_BYTES: Final = 32_768
"""Half of what InfluxDB allows for a head and a field's key together, so that the keys have the other half."""


@dataclass(frozen=True, slots=True)
class Head:
    """Measurement and tags as written; no value is empty. What is equal is one text: many series have few sites."""

    measurement: str
    keys: tuple[str, ...]
    values: tuple[str, ...]


def read_head(text: bytes) -> Head | None:
    """The head as values; None where only the fallback can say what it means, or what is wrong with it."""
    if len(text) > _MOST_BYTES or _PLAIN.fullmatch(text) is None:
        return None
    try:
        measurement, *pairs = text.decode().split(",")
    except UnicodeDecodeError:
        return None
    tags = dict([pair.split("=") for pair in pairs])
    if len(tags) < len(pairs) or any(key.encode() in RESERVED_TAG_KEYS for key in tags):
        return None
    return Head(measurement, tuple(map(intern, tags)), tuple(map(intern, tags.values())))
