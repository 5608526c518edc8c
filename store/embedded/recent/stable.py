"""Stable sorts of numbers, several times as fast as numpy's own: hundred thousands of rows are put in order at once.

numpy sorts plain 64-bit integers with the processor's vector instructions, short ones by radix, and everything else
that has to be stable by merging. So a value and its place are put into one integer, and that is sorted.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]

_FEW: Final = 256
_SHORT: Final = 1 << 16
_BITS: Final = 63
_SIGN: Final = np.int64(-(2**63))
_ALL_BUT_SIGN: Final = np.int64(2**63 - 1)


def stable_order(values: npt.NDArray[Any]) -> Places:
    """The places of numbers in order of their size, those of equal ones in order of their place. None is a NaN."""
    count = len(values)
    if count < _FEW or values.dtype.itemsize <= 2:  # noqa: PLR2004 - so many bytes numpy sorts by radix
        return np.argsort(values, kind="stable")
    keys = _as_integers(values)
    low, high = int(keys.min()), int(keys.max())
    if high - low < _SHORT:
        return np.argsort((keys - low).astype(np.uint16), kind="stable")
    bits = count.bit_length()
    is_exact = (high - low).bit_length() + bits <= _BITS
    keys = (keys - low) << bits if is_exact else keys >> bits << bits
    keys |= np.arange(count)
    keys.sort()
    places: Places = keys & ((1 << bits) - 1)
    return places if is_exact else _finished(values, places)


def _as_integers(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """64-bit integers in the same order."""
    if values.dtype.kind == "f":
        held = (values + 0.0).view(np.int64)  # which makes of the two zeros one
        return held ^ ((held >> _BITS) & _ALL_BUT_SIGN)
    return values.view(np.int64) ^ _SIGN if values.dtype == np.uint64 else values.astype(np.int64)


def _finished(values: npt.NDArray[Any], places: Places) -> Places:
    """Where the places took the last bits of the values: what differs only there is put in order, as a rule little."""
    nearly = values[places]
    if not np.any(nearly[1:] < nearly[:-1]):
        return places
    return places[np.argsort(nearly, kind="stable")]
