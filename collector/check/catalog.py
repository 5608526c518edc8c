"""Every check by its name in tocsin.yml. The string size is looked at first: what it refuses teaches no type."""

from __future__ import annotations

from dataclasses import dataclass, field

from collector.check.contract import Check
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.string_size import StringSize, StringSizeConfig

CATALOG = {
    StringSize.name: StringSizeConfig,
    FieldTypes.name: FieldTypesConfig,
}


@dataclass(frozen=True, slots=True)
class ChecksConfig:
    """`collector.checks` in tocsin.yml."""

    string_size: StringSizeConfig = field(default_factory=StringSizeConfig)
    field_types: FieldTypesConfig = field(default_factory=FieldTypesConfig)


def build(config: ChecksConfig, field_types: FieldTypes) -> tuple[Check, ...]:
    """The checks in the order in which they judge. `field_types` comes open: it has a file and a life."""
    return (StringSize(config.string_size), field_types)
