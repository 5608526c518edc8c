"""The tree of a query: frozen values, compared by value. Times and durations are integers in nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class IntegerLiteral:
    """`42`; past 2^63 it is unsigned."""

    value: int


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """`4.2`."""

    value: float


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """`'text'`."""

    value: str


@dataclass(frozen=True, slots=True)
class BooleanLiteral:
    """`true`."""

    value: bool


@dataclass(frozen=True, slots=True)
class DurationLiteral:
    """`1h30m`, in nanoseconds."""

    value: int


@dataclass(frozen=True, slots=True)
class TimeLiteral:
    """A moment that a condition's string or arithmetic came to, in nanoseconds; never written by a parser."""

    value: int


@dataclass(frozen=True, slots=True)
class RegexLiteral:
    """`/pattern/`, in RE2's syntax."""

    pattern: str


@dataclass(frozen=True, slots=True)
class VarRef:
    """A field or tag. `cast`: float, integer, unsigned, string, boolean, field, tag, or None."""

    name: str
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*`, `*::field` or `*::tag`."""

    kind: Literal["field", "tag"] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """`name(args)`; `distinct x` is the call `distinct(x)`."""

    name: str
    args: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right`; `op` as written, AND and OR in capitals."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Paren:
    """`(expr)`."""

    expr: Expr


Lit = IntegerLiteral | NumberLiteral | StringLiteral | BooleanLiteral | DurationLiteral | TimeLiteral | RegexLiteral
Expr = Lit | VarRef | Wildcard | Call | Binary | Paren


LITERALS: Final = (IntegerLiteral, NumberLiteral, StringLiteral, BooleanLiteral, DurationLiteral)
"""The values that a text may hold as they are."""


class FillKind(StrEnum):
    """What an empty window gets."""

    NULL = "null"
    NONE = "none"
    PREVIOUS = "previous"
    LINEAR = "linear"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Fill:
    """`fill(...)`; `value` only with NUMBER."""

    kind: FillKind = FillKind.NULL
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One item of the SELECT list."""

    expr: Expr
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A source by name or by regex (exactly one is set)."""

    name: str | None = None
    regex: str | None = None
    database: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class SubQuery:
    """A source that is a SELECT itself."""

    select: Select


Source = Measurement | SubQuery


@dataclass(frozen=True, slots=True)
class Paging:
    """LIMIT, OFFSET (rows of each series), SLIMIT, SOFFSET (series). 0 is no limit."""

    limit: int = 0
    offset: int = 0
    slimit: int = 0
    soffset: int = 0


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT. `dimensions` are the GROUP BY expressions, time() among them; `zone` is the name given to tz()."""

    fields: tuple[Field, ...]
    sources: tuple[Source, ...]
    condition: Expr | None = None
    dimensions: tuple[Expr, ...] = ()
    fill: Fill = Fill()
    descending: bool = False
    paging: Paging = Paging()
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """`WITH KEY op ...` or `WITH MEASUREMENT op ...`: op is =, !=, IN, =~ or !~; `values` the names, or one regex."""

    op: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Show:
    """What all SHOW statements over a database have."""

    database: str | None = None
    sources: tuple[Source, ...] = ()
    condition: Expr | None = None
    paging: Paging = Paging()


@dataclass(frozen=True, slots=True)
class ShowMeasurements(Show):
    """SHOW MEASUREMENTS [ON db.policy] [WITH MEASUREMENT ...]; database and policy may be `*`, for all."""

    measurement: KeyFilter | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class ShowTagKeys(Show):
    """SHOW TAG KEYS; a WITH KEY is read and, as in InfluxDB, ignored."""

    key: KeyFilter | None = None


@dataclass(frozen=True, slots=True)
class ShowTagValues(Show):
    """SHOW TAG VALUES WITH KEY ..."""

    key: KeyFilter = KeyFilter("=", ("",))


@dataclass(frozen=True, slots=True)
class ShowFieldKeys(Show):
    """SHOW FIELD KEYS."""


@dataclass(frozen=True, slots=True)
class ShowSeries(Show):
    """SHOW SERIES."""


Counted = Literal["SERIES", "MEASUREMENT", "TAG KEY", "TAG VALUES", "FIELD KEY"]


@dataclass(frozen=True, slots=True)
class ShowCardinality(Show):
    """SHOW ... [EXACT] CARDINALITY [GROUP BY ...]: how many there are of something. `key` belongs to TAG VALUES."""

    of: Counted = "SERIES"
    exact: bool = False
    key: KeyFilter | None = None
    dimensions: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowDatabases:
    """SHOW DATABASES."""


@dataclass(frozen=True, slots=True)
class ShowRetentionPolicies:
    """SHOW RETENTION POLICIES [ON database]."""

    database: str | None = None


@dataclass(frozen=True, slots=True)
class CreateDatabase:
    """CREATE DATABASE name. Stores refuse it; a web layer may answer it for clients that always send it."""

    name: str


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE [FROM sources] [WHERE time and tags]: the points of all measurements, or of those named."""

    sources: tuple[Measurement, ...] = ()
    condition: Expr | None = None


@dataclass(frozen=True, slots=True)
class DropMeasurement:
    """DROP MEASUREMENT name."""

    name: str


@dataclass(frozen=True, slots=True)
class DropSeries:
    """DROP SERIES [FROM sources] [WHERE tags]: series with all their points, whatever their times."""

    sources: tuple[Measurement, ...] = ()
    condition: Expr | None = None


@dataclass(frozen=True, slots=True)
class Unimplemented:
    """A statement that no store runs, by the name that the answer gives it, and as it was written."""

    name: str
    text: str


ShowStatement = (
    ShowMeasurements
    | ShowTagKeys
    | ShowTagValues
    | ShowFieldKeys
    | ShowSeries
    | ShowCardinality
    | ShowDatabases
    | ShowRetentionPolicies
)
Change = Delete | DropMeasurement | DropSeries
Statement = Select | ShowStatement | CreateDatabase | Change | Unimplemented
