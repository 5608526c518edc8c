"""Every check by its name in tocsin.yml. What a check refuses teaches those behind it nothing: no series, no type."""

from __future__ import annotations

from dataclasses import dataclass, field

from collector.check.cardinality import Cardinality, CardinalityConfig
from collector.check.clock_skew import ClockSkew, ClockSkewConfig
from collector.check.contract import Check
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.required_tags import RequiredTags, RequiredTagsConfig
from collector.check.string_size import StringSize, StringSizeConfig
from collector.check.value_range import ValueRange, ValueRangeConfig

CATALOG = {
    ClockSkew.name: ClockSkewConfig,
    RequiredTags.name: RequiredTagsConfig,
    ValueRange.name: ValueRangeConfig,
    StringSize.name: StringSizeConfig,
    Cardinality.name: CardinalityConfig,
    FieldTypes.name: FieldTypesConfig,
}


@dataclass(frozen=True, slots=True)
class ChecksConfig:
    """`collector.checks` in tocsin.yml."""

    clock_skew: ClockSkewConfig = field(default_factory=ClockSkewConfig)
    required_tags: RequiredTagsConfig = field(default_factory=RequiredTagsConfig)
    value_range: ValueRangeConfig = field(default_factory=ValueRangeConfig)
    string_size: StringSizeConfig = field(default_factory=StringSizeConfig)
    cardinality: CardinalityConfig = field(default_factory=CardinalityConfig)
    field_types: FieldTypesConfig = field(default_factory=FieldTypesConfig)


def build(config: ChecksConfig, field_types: FieldTypes) -> tuple[Check, ...]:
    """The checks that have something to do, in the order in which they judge.

    `field_types` comes open: it has a file and a life.
    """
    checks: list[Check] = []
    if config.clock_skew.rules:
        checks.append(ClockSkew(config.clock_skew))
    if config.required_tags.measurements:
        checks.append(RequiredTags(config.required_tags))
    if config.value_range.ranges:
        checks.append(ValueRange(config.value_range))
    checks.append(StringSize(config.string_size))
    if config.cardinality.active:
        checks.append(Cardinality(config.cardinality))
    return (*checks, field_types)
