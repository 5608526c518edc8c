"""This machine as an input."""

import pytest
from prometheus_client import CollectorRegistry

from collector.buffer.contract import BufferFull
from collector.intake.host import HostConfig, HostInput
from foundation.line_protocol.parse import parse_line
from tests.fakes.buffers import Incidents
from tests.fakes.clock import ManualClock


class Hands:
    """Takes what is handed in, or refuses it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.bodies: list[tuple[bytes, str]] = []
        self.error = error

    async def __call__(self, body: bytes, source: str) -> None:
        if self.error is not None:
            raise self.error
        self.bodies.append((body, source))


async def test_a_sample_has_every_field_of_the_table(clock: ManualClock):
    """There is one line `host`, tagged with the host's name and stamped now, with all fields that ship."""
    hands = Hands()
    host = HostInput(HostConfig(name="box"), hands, clock=clock, registry=CollectorRegistry())
    await host.sample()

    [(body, source)] = hands.bodies
    line = parse_line(body.removesuffix(b"\n"))
    fields = dict(line.fields)
    assert (source, line.measurement, line.tags) == ("host", "host", (("host", "box"),))
    assert {"cpu_pct", "mem_pct", "load1", "disk_used_pct", "net_rx_bytes", "net_tx_bytes"} <= fields.keys()
    assert 0 < float(fields["mem_pct"]) <= 100
    assert 0 < float(fields["disk_used_pct"]) <= 100
    assert isinstance(fields["net_rx_bytes"], int)
    assert line.time_ns == clock.now_ns()


async def test_a_sample_that_is_not_taken_is_dropped_and_counted(clock: ManualClock):
    """A full buffer costs the sample, never the sampling."""
    registry = CollectorRegistry()
    host = HostInput(HostConfig(), Hands(BufferFull("full")), clock=clock, registry=registry)
    await host.sample()
    await host.sample()

    assert registry.get_sample_value("tocsin_host_samples_dropped_total", {"reason": "full"}) == 2


async def test_sampling_starts_and_stops(clock: ManualClock):
    """The task that samples is no incident while it runs, and none when it is stopped."""
    incidents = Incidents()
    host = HostInput(HostConfig(), Hands(), clock=clock, registry=CollectorRegistry())
    await host.start(incidents)
    await host.stop()

    assert incidents == []


def test_sampling_too_often_is_refused():
    """A period under a second is an error that says why."""
    with pytest.raises(ValueError, match="at least 1s"):
        HostConfig(every=HostConfig().every / 100)
