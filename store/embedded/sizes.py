"""Sizes as people write them: `512MB`, `1.5 GiB`. Called where the configuration is read."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(r"([1-9]\d*(?:\.\d+)?) ?([KMGT])(i?)B")


def read_size(name: str, text: str) -> int:
    """What a size means in bytes. Raises ValueError, which says what `name` must be."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{name} must be a number and a unit, as in 512MB or 2GB, not {text!r}")
    number, letter, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** (1 + "KMGT".index(letter)))


def tell_size(size: int) -> str:
    """Bytes as people read them: `1.5 GB`."""
    for unit, power in (("GB", 3), ("MB", 2), ("kB", 1)):
        if size >= 1000**power:
            return f"{size / 1000**power:.1f} {unit}"
    return f"{size} bytes"
