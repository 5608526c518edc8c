"""A field in another unit: exact arithmetic, rounded once at the end, so 20 ms is 0.02 s and not nearly so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging, demand_writable
from collector.verdict import Cause, Objection, Ruling
from foundation.line_protocol.line import FieldValue, Line

Scale = tuple[str, Fraction, Fraction]
"""(what is measured, factor, offset): value * factor + offset is the value in the first unit of its kind."""


def _units(what: str, **factors: str) -> Mapping[str, Scale]:
    return {unit: (what, Fraction(factor), Fraction(0)) for unit, factor in factors.items()}


UNITS: Mapping[str, Scale] = {
    "c": ("temperature", Fraction(1), Fraction(0)),
    "f": ("temperature", Fraction(5, 9), Fraction(-160, 9)),
    "k": ("temperature", Fraction(1), Fraction("-273.15")),
    **_units("time", ns="1e-9", us="1e-6", ms="1e-3", s="1", min="60", h="3600", d="86400"),
    **_units("data", bit="1/8", byte="1", kb="1e3", mb="1e6", gb="1e9", kib="1024", mib="1048576", gib="1073741824"),
    **_units("length", mm="1e-3", cm="1e-2", m="1", km="1e3", inch="0.0254", ft="0.3048", mi="1609.344"),
    **_units("pressure", pa="1", hpa="100", kpa="1e3", bar="1e5", psi="6894.757293168361"),
    **_units("energy", j="1", kj="1e3", wh="3600", kwh="3.6e6"),
    **_units("power", w="1", kw="1e3", mw="1e6"),
    **_units("mass", g="1", kg="1e3", t="1e6", lb="453.59237"),
    **_units("share", ratio="1", percent="1/100"),
    **_units("speed", mps="1", kmh="5/18", mph="0.44704", kn="463/900"),
}
"""Every unit that has a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertUnitConfig(Selection):
    """`from` and `to` name units, or `factor` and `offset` say it: value * factor + offset.

    `from_tag`: the tag in which a line names its unit; it says `to` afterwards. `from` is for lines without it, then;
    without `from` they stay as they are. `to_field`: the field's new name, which should tell the new unit.
    """

    kind: Literal["convert_unit"] = "convert_unit"
    field: str
    from_: str | None = None
    from_tag: str | None = None
    to: str | None = None
    factor: float | None = None
    offset: float = 0.0
    to_field: str | None = None

    def __post_init__(self) -> None:
        """Refuse units that do not exist or do not measure the same."""
        demand_writable(tags=(self.from_tag or "t",), fields=(self.to_field or self.field,))
        named = self.from_ is not None or self.from_tag is not None or self.to is not None
        if named == (self.factor is not None):
            raise ValueError("give either `from` (or `from_tag`) and `to`, or `factor` (and `offset`)")
        if not named:
            return
        for key, unit in (("from", self.from_), ("to", self.to)):
            if unit not in UNITS and not (key == "from" and unit is None and self.from_tag):
                raise ValueError(f"`{key}` is no unit known here: {', '.join(UNITS)}; or give `factor` and `offset`")
        if self.from_ is not None and UNITS[self.from_][0] != UNITS[self.to or ""][0]:
            raise ValueError(f"{self.from_} measures {UNITS[self.from_][0]}, {self.to} {UNITS[self.to or ''][0]}")


class Scaling:
    """value * factor + offset, exactly, rounded once."""

    def __init__(self, factor: Fraction, offset: Fraction) -> None:
        self._factor = factor
        self._offset = offset
        self._times = factor.numerator * offset.denominator
        self._plus = offset.numerator * factor.denominator
        self._by: int = factor.denominator * offset.denominator

    @classmethod
    def between(cls, unit: str, to: str) -> Scaling:
        """From one unit to another of the same kind."""
        _, factor, offset = UNITS[unit]
        _, to_factor, to_offset = UNITS[to]
        return cls(factor / to_factor, (offset - to_offset) / to_factor)

    def __call__(self, value: FieldValue) -> float:
        """The result, by whole numbers where it can be: Python's division of two of them rounds correctly."""
        text = repr(value)
        try:
            if "e" in text:
                return float(Fraction(text) * self._factor + self._offset)
            whole, _, decimals = text.partition(".")
            power: int = 10 ** len(decimals)
            return (int(whole + decimals) * self._times + self._plus * power) / (self._by * power)
        except OverflowError:
            return float("inf")


class ConvertUnit(Unchanging):
    """What it writes is a float, whatever number it read: a unit that is fine for integers is the exception."""

    name = "convert_unit"

    def __init__(self, config: ConvertUnitConfig) -> None:
        self._config = config
        self._usual: Scaling | None = None
        self._by_unit: Mapping[str, Scaling] = {}
        if config.factor is not None:
            self._usual = Scaling(Fraction(repr(config.factor)), Fraction(repr(config.offset)))
        elif config.to is not None:
            what = UNITS[config.to][0]
            self._by_unit = {
                unit: Scaling.between(unit, config.to) for unit, (kind, _, _) in UNITS.items() if kind == what
            }
            self._usual = self._by_unit[config.from_] if config.from_ else None

    def apply(self, line: Line) -> Ruling:
        """The line with the field converted; refused if it is no number, or of a unit that measures something else."""
        config = self._config
        if not config.selects(line) or not self._has(line):
            return None
        scaling = self._scaling(line)
        if scaling is None or isinstance(scaling, Objection):
            return scaling
        name = config.to_field or config.field
        if name != config.field and any(key == name for key, _ in line.fields):
            return Objection(Cause.TRANSFORM, f'convert_unit: "{name}" is there already')
        fields: list[tuple[str, FieldValue]] = []
        for key, value in line.fields:
            if key != config.field:
                fields.append((key, value))
                continue
            if isinstance(value, (bool, str)):
                return Objection(Cause.TRANSFORM, f'convert_unit: "{key}" is no number')
            fields.append((name, scaling(value)))
        tags = tuple(
            [(tag, config.to or value) if tag == config.from_tag else (tag, value) for tag, value in line.tags]
        )
        return replace(line, tags=tags, fields=tuple(fields))

    def effect(self, line: Line) -> Effect:
        """One value becomes another, whatever else there is."""
        config = self._config
        if not config.selects(line):
            return ALIKE
        scaling = self._scaling(line) if self._has(line) else None
        if scaling is None or isinstance(scaling, Objection):
            return Effect(by_fields=True)
        return Effect(by_fields=True, values={config.to_field or config.field: (config.field, scaling)})

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, has no such field, or tells no unit."""
        told = self._usual is not None or any(tag == self._config.from_tag for tag, _ in line.tags)
        return not (self._config.may_select(line) and self._has(line) and told)

    def _has(self, line: Line) -> bool:
        return any(key == self._config.field for key, _ in line.fields)

    def _scaling(self, line: Line) -> Scaling | Objection | None:
        """How the line's value becomes one of the unit wanted; None leaves it as it is."""
        told = next((value for tag, value in line.tags if tag == self._config.from_tag), None)
        if told is None:
            return self._usual
        unit = _NAMES.get(told, told.casefold().removeprefix("°"))
        known = self._by_unit.get(unit)
        if known is None:
            words = f'tag "{self._config.from_tag}" is "{told}", which is no unit that can be converted to'
            return Objection(Cause.TRANSFORM, f"convert_unit: {words} {self._config.to}")
        return known


_NAMES = {"%": "percent"}
"""What units are called besides their names."""
