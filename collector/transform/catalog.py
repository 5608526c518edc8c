"""Every transform by the `kind` it has in tocsin.yml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from collector.transform.add_tag import AddTag, AddTagConfig
from collector.transform.contract import Transform
from collector.transform.convert_unit import ConvertUnit, ConvertUnitConfig
from collector.transform.dedupe import Dedupe, DedupeConfig
from collector.transform.derive import Derive, DeriveConfig
from collector.transform.drop import Drop, DropConfig
from collector.transform.hash import Hash, HashConfig
from collector.transform.keep import Keep, KeepConfig
from collector.transform.mask import Mask, MaskConfig
from collector.transform.rename import Rename, RenameConfig

TransformConfig = (
    RenameConfig
    | DropConfig
    | KeepConfig
    | AddTagConfig
    | ConvertUnitConfig
    | HashConfig
    | MaskConfig
    | DeriveConfig
    | DedupeConfig
)
"""What may stand in the list `collector.transforms`."""

CATALOG: Mapping[str, tuple[type[TransformConfig], Callable[[Any], Transform]]] = {
    Rename.name: (RenameConfig, Rename),
    Drop.name: (DropConfig, Drop),
    Keep.name: (KeepConfig, Keep),
    AddTag.name: (AddTagConfig, AddTag),
    ConvertUnit.name: (ConvertUnitConfig, ConvertUnit),
    Hash.name: (HashConfig, Hash),
    Mask.name: (MaskConfig, Mask),
    Derive.name: (DeriveConfig, Derive),
    Dedupe.name: (DedupeConfig, Dedupe),
}


def build(configs: Iterable[TransformConfig]) -> tuple[Transform, ...]:
    """The transforms in the order in which they are configured, which is the order in which they act."""
    return tuple([CATALOG[config.kind][1](config) for config in configs])
