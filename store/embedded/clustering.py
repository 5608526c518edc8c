"""Which order the rows of a table stand in: by time in the large, series behind series in the small.

A question about few series reads of a column only those stretches (2 048 rows) in which one of its rows stands. Rows in
order of time have rows of every series in each stretch; those of one stretch of time, put series behind series, have
them in a few. What lies together spans so little time that a question about a time loses nothing by it.

`rows` does it to each shipment, `compaction` to what came in small ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from store.embedded.schema import SERIES

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[Any]

MOST_NS: Final = 6 * 3_600_000_000_000
"""What is put series behind series spans no more time: a question about an hour reads what stands around it."""
_LEAST_ROWS: Final = 4_096
"""Fewer are two stretches at most, and stay as they came."""
_LEAST_OF_EACH: Final = 4
"""Where a series has fewer rows, on average, little is won, and times in order take less room."""
_MOST_RUNS: Final = 8
"""Each row group is some sixty stretches: where a series stands in more of them than that, it is worth a move."""


def cluster(rows: Any, span_ns: int) -> Any:
    """The rows (Arrow, with `series`) series behind series, each in the order it had, where that is worth it."""
    if len(rows) < _LEAST_ROWS or span_ns > MOST_NS:
        return rows
    series = rows.column(SERIES).to_numpy()
    bits = len(rows).bit_length()
    # Number and place in one integer: sorting those is several times as fast as a stable sort of the numbers.
    keys = series.astype(np.int64) << bits | np.arange(len(rows))
    keys.sort()
    if _are_few(count_runs(keys >> bits), len(rows)):
        return rows
    return rows.combine_chunks().take(pa.array(keys & ((1 << bits) - 1)))


def is_worth_it(series: Numbers, span_ns: int) -> bool:
    """Whether rows of these series, together in the file, are to be put series behind series."""
    return span_ns <= MOST_NS and not _are_few(_count_series(series), len(series))


def is_mixed(series: Numbers) -> bool:
    """Whether rows stand so that many stretches hold rows of the same series."""
    return count_runs(series) > _MOST_RUNS * _count_series(series)


def count_runs(series: Numbers) -> int:
    """How many stretches of rows of one series stand behind each other."""
    return int(np.count_nonzero(series[1:] != series[:-1])) + bool(len(series))


def _count_series(series: Numbers) -> int:
    return len(np.unique(series))


def _are_few(series: int, rows: int) -> bool:
    return series * _LEAST_OF_EACH > rows
