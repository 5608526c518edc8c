"""Every transform by the `kind` it has in tocsin.yml."""

from __future__ import annotations

from collections.abc import Iterable

from collector.transform.contract import Transform
from collector.transform.rename import Rename, RenameConfig

TransformConfig = RenameConfig

CATALOG = {
    Rename.name: (RenameConfig, Rename),
}


def build(configs: Iterable[TransformConfig]) -> tuple[Transform, ...]:
    """The transforms in the order in which they are configured, which is the order in which they act."""
    return tuple([CATALOG[config.kind][1](config) for config in configs])
