"""The texts of a field as numbers: a column of few texts is kept as whole numbers are, and its texts once.

Numbers are given in the order in which texts are met, so that they stay good while more come. Those of which no row is
left are forgotten where the rows are moved anyway: the texts of a tail that slides for days would outgrow its rows.
"""

from __future__ import annotations

from sys import getsizeof
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]

MOST_BYTES: Final = 8 * 2**20
"""What the texts of one field may take, which are fifty thousand short ones."""
LONGEST_BYTES: Final = 256
"""A field with a longer text is not read at all: pieces of such columns are large before anything is known of them."""
_PLACE_BYTES: Final = 100
"""What a text takes besides itself: its number, and its places in a list and a table."""


class TooManyTexts(Exception):
    """Too many, or too long."""


class Texts:
    """Texts <-> numbers, of one field."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.size_bytes = 0
        self._codes: dict[str, int] = {}

    def codes(self, read: Any) -> Codes:
        """The numbers of a piece of a column, any where it is null. Raises TooManyTexts."""
        encoded = read.dictionary_encode()
        met = np.array([self._code(text) for text in encoded.dictionary.to_pylist()], np.int32)
        if not len(met):
            return np.zeros(len(read), np.int32)
        codes: Codes = met[encoded.indices.fill_null(0).to_numpy()]
        return codes

    def _code(self, text: str) -> int:
        code = self._codes.get(text)
        if code is None:
            self.size_bytes += getsizeof(text) + _PLACE_BYTES
            if self.size_bytes > MOST_BYTES:
                raise TooManyTexts
            code = self._codes[text] = len(self.known)
            self.known.append(text)
        return code

    def forget_unused(self, codes: Codes) -> Codes:
        """The same rows by other numbers, if most texts are in none of these, which are all; those are forgotten."""
        used = np.bincount(codes, minlength=len(self.known)).nonzero()[0]
        if 2 * len(used) >= len(self.known):
            return codes
        fresh = np.zeros(len(self.known), np.int32)
        fresh[used] = np.arange(len(used))
        self.known = [self.known[code] for code in used.tolist()]
        self._codes = {text: code for code, text in enumerate(self.known)}
        self.size_bytes = sum(map(getsizeof, self.known)) + _PLACE_BYTES * len(self.known)
        return fresh[codes]

    def of(self, codes: Codes, present: npt.NDArray[np.bool_] | None = None) -> list[str | None]:
        """The texts of these numbers, None where none is present."""
        known = self.known
        if present is None:
            return [known[code] for code in codes.tolist()]
        is_there = present.tolist()
        return [known[code] if here else None for code, here in zip(codes.tolist(), is_there, strict=True)]
