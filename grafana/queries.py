"""InfluxQL as text. Every SELECT carries `$timeFilter`; windows are written `${__interval}`, braces included, because
some versions of Grafana escape the bare form; a variable inside a regular expression always says `:regex`.

Counts are filled with 0 and measured values with null: an absent request is a zero, an absent duration is a gap.
"""

from __future__ import annotations

WINDOW = "${__interval}"
WINDOW_MS = "${__interval_ms}"


def select(
    *columns: str,
    source: str,
    where: tuple[str, ...] = (),
    by: tuple[str, ...] = (),
    every: str | None = None,
    fill: str = "null",
) -> str:
    """A SELECT over the board's time range; with `every`, one row a window, filled with `fill`."""
    conditions = " AND ".join(("$timeFilter", *where))
    text = f'SELECT {", ".join(columns)} FROM "{source}" WHERE {conditions}'  # noqa: S608 - written by our own boards
    groups = [f"time({every})"] if every else []
    groups += [f'"{tag}"' for tag in by]
    if groups:
        text += f" GROUP BY {', '.join(groups)}"
    return f"{text} fill({fill})" if every else text


def outer(*columns: str, inner: str, where: str = "", by: tuple[str, ...] = (), every: str | None = None) -> str:
    """A SELECT over the rows of another, whose time range is its own too.

    `where` is about the inner columns. With `every`, one row a window, filled with 0; the inner one must then fill with
    none, or InfluxDB 2 repeats windows.
    """
    text = f"SELECT {', '.join(columns)} FROM ({inner})"  # noqa: S608 - written by our own boards
    text += f" WHERE {where}" if where else ""
    groups = [f"time({every})"] if every else []
    groups += [f'"{tag}"' for tag in by]
    text += f" GROUP BY {', '.join(groups)}" if groups else ""
    return f"{text} fill(0)" if every else text


def newest(*columns: str, source: str, where: tuple[str, ...] = (), rows: int) -> str:
    """The newest points as they were written, tags among the columns."""
    named = (f'"{column}"' for column in columns)
    return f"{select(*named, source=source, where=where)} ORDER BY time DESC LIMIT {rows}"


def tag_values(tag: str, source: str, where: tuple[str, ...] = ()) -> str:
    """The values of a tag, for a variable."""
    text = f'SHOW TAG VALUES FROM "{source}" WITH KEY = "{tag}"'
    return f"{text} WHERE {' AND '.join(where)}" if where else text


def matches(tag: str, variable: str | None = None) -> str:
    """The tag is one of the values picked in the variable (of the tag's own name by default)."""
    return f'"{tag}" =~ /^${{{variable or tag}:regex}}$/'


def column(expression: str, name: str) -> str:
    """The expression under a column name of its own."""
    return f'{expression} AS "{name}"'


def per_second(field: str, aggregate: str = "count") -> str:
    """How many (or how much) a second, over one window."""
    return f'{aggregate}("{field}") * 1000 / {WINDOW_MS}'


def per_minute(field: str, aggregate: str = "count") -> str:
    """How many (or how much) a minute, over one window."""
    return f'{aggregate}("{field}") * 60000 / {WINDOW_MS}'


def growth(field: str) -> str:
    """How much a counter grows in a second; a restart of its process counts as nothing."""
    return f'non_negative_derivative(max("{field}"), 1s)'


def percentile(field: str, rank: int) -> str:
    """The value that `rank` percent of the points stay under."""
    return f'percentile("{field}", {rank})'


def share(field: str) -> str:
    """Percent of the points whose 0/1 field is 1."""
    return f'sum("{field}") / count("{field}") * 100'
