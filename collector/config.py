"""What tocsin.yml says under `collector:`. Every room's part is the room's own; here they are put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from collector.buffer.disk import DiskConfig
from collector.dead.box import DeadConfig
from collector.deliver.destinations import DestinationConfig, check_names
from collector.deliver.outlet import DeliveryConfig
from collector.intake.host import HostConfig
from collector.intake.http import IntakeConfig
from foundation.differences import FIXED


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthConfig:
    """Our own metrics as measurements `tocsin_*`, written every `every`."""

    enabled: bool = True
    every: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse a busy loop."""
        if self.every < timedelta(seconds=1):
            raise ValueError("every is at least 1s")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorConfig(IntakeConfig):
    """`collector:` in tocsin.yml; the keys of HTTP intake stand directly under it.

    `destinations` get every line beside the store that is queried.
    """

    buffer: DiskConfig = field(default_factory=DiskConfig)
    deliver: DeliveryConfig = field(default_factory=DeliveryConfig)
    destinations: tuple[DestinationConfig, ...] = field(default=(), metadata=FIXED)
    dead: DeadConfig = field(default_factory=DeadConfig)
    host: HostConfig = field(default_factory=HostConfig)
    health: HealthConfig = field(default_factory=HealthConfig)

    def __post_init__(self) -> None:
        """Refuse an address that is none, and destinations that cannot be told apart."""
        IntakeConfig.__post_init__(self)
        check_names(self.destinations)
