"""A budget of series: the session id that somebody made a tag is stopped here, by name, before it fills the database.

Known series always pass. Only new ones need room: in the bucket's measurement, for their source, and in all. Series are
remembered as hashes, about 250 bytes each, in two generations: one that is not seen for a whole generation leaves the
budget. Nothing is kept on disk: a restart, or checks configured anew, count from the first series that comes then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from collector.check.memoryless import Memoryless
from collector.check.run import Run
from collector.check.sketch import Sketch
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.line_protocol.line import Line
from foundation.line_protocol.parse import parse_point

_NS = 1_000_000_000
_ALL = ("all",)
_MOST = 1_000_000
Scope = tuple[str, ...]
"""What has a budget: ("measurement", bucket, name), ("source", name), ("all",)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardinalityConfig:
    """How many series may be alive: of one measurement, of one source (`token:NAME`, `host:ADDRESS`), and in all.

    `measurements` and `sources` give other numbers to names that fit a pattern. A series that is not written leaves the
    budget after `forget` to twice `forget`. Without any number nothing is counted; with one, `most` is a million.
    """

    per_measurement: int | None = None
    per_source: int | None = None
    measurements: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    most: int | None = None
    forget: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        """Refuse a span of nothing."""
        if self.forget <= timedelta(0):
            raise ValueError("forget is more than 0s")

    @property
    def active(self) -> bool:
        """Whether anything has a budget."""
        numbers = (self.per_measurement, self.per_source, self.most)
        return bool(self.measurements or self.sources) or any(number is not None for number in numbers)

    @property
    def ceiling(self) -> int:
        """The budget of all series together."""
        return _MOST if self.most is None else self.most


class Generations:
    """The series of one scope: those seen in this generation, and those seen only in the one before."""

    __slots__ = ("_before", "_now")

    def __init__(self) -> None:
        self._now: set[int] = set()
        self._before: set[int] = set()

    def knows(self, series: int) -> bool:
        """Whether the series is alive; then it is seen."""
        if series in self._now:
            return True
        if series not in self._before:
            return False
        self._before.remove(series)
        self._now.add(series)
        return True

    def add(self, series: Iterable[int]) -> None:
        """Make new series alive."""
        self._now.update(series)

    def age(self) -> None:
        """Forget what was not seen since the last time."""
        self._before, self._now = self._now, set()

    def __len__(self) -> int:
        return len(self._now) + len(self._before)


class Cardinality(Memoryless):
    """All series that are alive."""

    name = "cardinality"
    surveys = True

    def __init__(self, config: CardinalityConfig) -> None:
        self._config = config
        self._generation_ns = round(config.forget.total_seconds() * _NS)
        self._ages_ns = 0
        self.scopes: dict[Scope, Generations] = {}
        self.sketches: dict[tuple[str, str], dict[str, Sketch]] = {}
        """(bucket, measurement) -> tag -> how many values it has."""
        self.heads: dict[tuple[str, str], set[int]] = {}
        """(bucket, source) -> hashes of measurement and tags as written that need no second look in this generation."""
        self._heads = 0

    def begin(self, origin: Origin) -> CardinalityOfBody:
        """Examine one body."""
        if origin.now_ns >= self._ages_ns:
            self._age(origin.now_ns)
        return CardinalityOfBody(self, origin)

    def limit(self, scope: Scope) -> int | None:
        """The budget of a scope, None if it has none."""
        config = self._config
        if scope == _ALL:
            return config.ceiling
        named, other = (
            (config.measurements, config.per_measurement)
            if scope[0] == "measurement"
            else (config.sources, config.per_source)
        )
        return next((most for pattern, most in named.items() if fnmatchcase(scope[-1], pattern)), other)

    def remember_heads(self, origin: Origin, heads: set[int]) -> None:
        """Remember lines' heads, boundedly: they only spare work."""
        self._heads += len(heads)
        if self._heads > self._config.ceiling:
            self._forget_heads()
        self.heads.setdefault((origin.bucket, origin.source), set()).update(heads)

    def census(self) -> list[tuple[str, str, int]]:
        """(bucket, measurement, series alive) of every measurement."""
        return [(scope[1], scope[2], len(one)) for scope, one in list(self.scopes.items()) if scope[0] == "measurement"]

    def _forget_heads(self) -> None:
        self.heads = {}
        self._heads = 0

    def _age(self, now_ns: int) -> None:
        first = not self._ages_ns
        self._ages_ns = now_ns + self._generation_ns
        if first:
            return
        self._forget_heads()
        for generations in self.scopes.values():
            generations.age()
        self.scopes = {scope: one for scope, one in self.scopes.items() if len(one)}
        alive = {scope[1:] for scope in self.scopes if scope[0] == "measurement"}
        self.sketches = {key: tags for key, tags in self.sketches.items() if key in alive}


class CardinalityOfBody:
    """One body's view: the series that are alive, and those that the body adds."""

    surveys = True

    def __init__(self, budget: Cardinality, origin: Origin) -> None:
        self._budget = budget
        self._origin = origin
        self._fresh: dict[Scope, set[int]] = {}
        self._sketches: dict[str, dict[str, Sketch]] = {}
        self._heads: set[int] = set()

    def judge(self, line: Line) -> Ruling:
        """Refuse the line if its series is new and one of its budgets is spent."""
        series = self._series(line)
        needy = [scope for scope in self._scopes(line) if not self._knows(scope, series)]
        for scope in needy:
            limit = self._budget.limit(scope)
            if limit is not None and self._size(scope) >= limit:
                return Objection(Cause.CARDINALITY, self._words(scope, limit, line))
        self._add(line, series, needy)
        return None

    def settles(self, line: Line) -> bool:  # noqa: ARG002 - holds for every line
        """What a shape does not tell, a survey does."""
        return True

    def survey(self, run: Run) -> bool:
        """Whether all series of the run are alive, or all find room; else those find room that come first."""
        known = self._budget.heads.get((self._origin.bucket, self._origin.source), set())
        if known.issuperset(map(hash, run.heads)):
            return True
        unseen = {hash(head): head for head in run.heads if hash(head) not in known}
        lines = [parse_point(head + b" f=0").line for key, head in unseen.items() if key not in self._heads]
        needs: dict[Scope, set[int]] = {}
        for line in lines:
            series = self._series(line)
            for scope in self._scopes(line):
                if not self._knows(scope, series):
                    needs.setdefault(scope, set()).add(series)
        for scope, new in needs.items():
            limit = self._budget.limit(scope)
            if limit is not None and self._size(scope) + len(new) > limit:
                return False
        for line in lines if needs else ():
            self.judge(line)
        self._heads.update(unseen)
        return True

    def commit(self) -> None:
        """Keep the new series."""
        budget = self._budget
        for scope, series in self._fresh.items():
            budget.scopes.setdefault(scope, Generations()).add(series)
        for measurement, sketches in self._sketches.items():
            tags = budget.sketches.setdefault((self._origin.bucket, measurement), {})
            for tag, sketch in sketches.items():
                tags.setdefault(tag, Sketch()).merge(sketch)
        if self._heads:
            budget.remember_heads(self._origin, self._heads)

    def _scopes(self, line: Line) -> tuple[Scope, ...]:
        origin = self._origin
        return ("measurement", origin.bucket, line.measurement), ("source", origin.source), _ALL

    def _series(self, line: Line) -> int:
        return hash((self._origin.bucket, line.measurement, tuple(sorted(line.tags))))

    def _add(self, line: Line, series: int, needy: Iterable[Scope]) -> None:
        for scope in needy:
            self._fresh.setdefault(scope, set()).add(series)
            sketches = self._sketches.setdefault(line.measurement, {})
            for tag, value in line.tags:
                sketches.setdefault(tag, Sketch()).add(hash(value))

    def _knows(self, scope: Scope, series: int) -> bool:
        if series in self._fresh.get(scope, ()):
            return True
        alive = self._budget.scopes.get(scope)
        return alive is not None and alive.knows(series)

    def _size(self, scope: Scope) -> int:
        return len(self._budget.scopes.get(scope, ())) + len(self._fresh.get(scope, ()))

    def _words(self, scope: Scope, limit: int, line: Line) -> str:
        names = {"measurement": f'measurement "{line.measurement}"', "source": f'source "{scope[-1]}"'}
        spent = f"the budget of {limit} series of {names.get(scope[0], 'the collector')} is spent"
        counts = {tag: self._values(line.measurement, tag) for tag, _ in line.tags}
        if not counts:
            return spent
        worst = max(counts, key=lambda tag: counts[tag])
        return f'{spent}; tag "{worst}" of measurement "{line.measurement}" has about {counts[worst]} values'

    def _values(self, measurement: str, tag: str) -> int:
        """About how many values the tag has, this body included."""
        both = Sketch()
        for sketches in (
            self._budget.sketches.get((self._origin.bucket, measurement), {}),
            self._sketches.get(measurement, {}),
        ):
            if tag in sketches:
                both.merge(sketches[tag])
        return both.count
