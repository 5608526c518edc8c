"""Where lines go beside the store that is queried, and under which names. Read from `collector.destinations`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from store.contract import Store
from store.influxdb import InfluxConfig

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationConfig:
    """A server that gets every line too, with cursors of its own: one that is slow or away holds up no other. An
    embedded store can only be `store`, the one that is queried.

    While it is away its lines stay in the buffer. When that is full, a destination that is `required` has senders told
    to come back (503); one that is not skips the oldest lines, which is counted. `name` labels its metrics and its
    place in the buffer: under another name it begins anew. `buckets` gives buckets another name there
    (`{telemetry: archive}`).
    """

    name: str
    store: InfluxConfig
    required: bool = True
    buckets: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that cannot stand in a file's name or a label."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name is 1 to 64 letters, digits, `_`, `-` or `.`, not {self.name!r}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A store that is written to, and the name under which its cursors are kept.

    `buckets`: ours -> theirs, where they differ. One that is not `required` may miss lines rather than fill the disk.
    """

    name: str
    store: Store
    required: bool = True
    buckets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: DestinationConfig, store: Store) -> Self:
        """What is configured, with the store that was built for it."""
        return cls(config.name, store, config.required, config.buckets)

    def bucket(self, ours: str) -> str:
        """What our bucket is called there."""
        return self.buckets.get(ours, ours)


def check_names(configs: tuple[DestinationConfig, ...], *taken: str) -> None:
    """Raise ValueError where a name is given twice, or is `taken` by the store that is queried."""
    seen = set(taken)
    for config in configs:
        if config.name in taken:
            raise ValueError(f"destinations: name {config.name!r} is that of the store itself; give it another")
        if config.name in seen:
            raise ValueError(f"destinations: name {config.name!r} is given to two; each needs its own")
        seen.add(config.name)
