"""The points of the shipped measurements, in order of time, as the stores are filled with them.

Lines are drawn from pools made once, so that a hundred million cost minutes and no memory; each has a time of its own.
Mostly requests, as in the demo: a shop with 40 endpoints on 8 services, 500 devices, 20 machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import add
from random import Random

from isal import igzip

from foundation.batch import Shipment

BUCKET = "telemetry"
START_NS = 1_767_225_600_000_000_000
"""The first of January 2026, UTC."""
BATCH = 50_000
_POOL = 20_000
_ERRORS = 0.01


@dataclass(frozen=True, slots=True)
class _Stream:
    """One measurement: its share of all points, and who writes a line without its time."""

    share: float
    write: Callable[[Random], bytes]


def shipments(points: int, span_ns: int, *, seed: int = 1, start_ns: int = START_NS) -> Iterator[Shipment]:
    """About `points` points, evenly over [start, start + span), as the buffer would hand them on."""
    luck = Random(seed)
    pools = [(stream.share, [stream.write(luck) for _ in range(_POOL)]) for stream in _STREAMS]
    turns = max(1, round(points / BATCH))
    for turn in range(turns):
        since, until = start_ns + turn * span_ns // turns, start_ns + (turn + 1) * span_ns // turns
        bodies = [_lines(luck, pool, max(1, round(share * points / turns)), since, until) for share, pool in pools]
        body = b"".join(bodies)
        yield Shipment(BUCKET, igzip.compress(body, 1), body.count(b"\n"))


def belated(goods: Iterable[Shipment], share: float, *, seed: int = 1) -> Iterator[Shipment]:
    """The same points, but that `share` of them come late: with any of the shipments behind their own."""
    luck, all_ = Random(seed), list(goods)
    held = [bytearray() for _ in all_]
    for turn, shipment in enumerate(all_):
        now = bytearray()
        for line in shipment.unpack().splitlines(keepends=True):
            is_late = luck.random() < share and turn + 1 < len(all_)
            (held[luck.randrange(turn + 1, len(all_))] if is_late else now).extend(line)
        body = bytes(now + held[turn])
        held[turn].clear()
        yield Shipment(shipment.bucket, igzip.compress(body, 1), body.count(b"\n"))


def _lines(luck: Random, pool: list[bytes], count: int, since: int, until: int) -> bytes:
    step = (until - since) // count
    shifts = luck.choices([luck.randrange(step) for _ in range(1_000)], k=count)
    times = map(add, range(since, since + step * count, step), shifts)
    return b"".join(map(b"%s %d\n".__mod__, zip(luck.choices(pool, k=count), times, strict=True)))


def _request(luck: Random) -> bytes:
    endpoint = luck.randrange(40)
    failed = luck.random() < _ERRORS
    return (
        b"http_request,endpoint=/api/v1/thing%d,feature=feature%d,method=%s,release=r%d,service=shop%d,status=%d "
        b"duration_ms=%.2f,error=%di,bytes=%di"
        % (
            endpoint,
            endpoint % 12,
            (b"GET", b"POST")[endpoint % 2],
            endpoint % 3,
            endpoint % 8,
            500 if failed else 200,
            luck.lognormvariate(4.0, 0.5),
            failed,
            luck.randrange(200, 50_000),
        )
    )


def _view(luck: Random) -> bytes:
    return b'page_view,device_class=%s,page=/page%d,service=storefront user="user-%d",load_ms=%.1f' % (
        luck.choice((b"mobile", b"desktop", b"tablet")),
        luck.randrange(12),
        luck.randrange(5_000),
        luck.lognormvariate(6.5, 0.4),
    )


def _click(luck: Random) -> bytes:
    product = luck.randrange(60)
    user = luck.randrange(5_000)
    return b'product_click,category=c%d,product=product-%d user="user-%d",count=1i' % (product % 6, product, user)


def _order(luck: Random) -> bytes:
    return b"shop_order,channel=%s,country=%s amount=%.2f,items=%di,failed=%di" % (
        luck.choice((b"web", b"app", b"store")),
        luck.choice((b"de", b"fr", b"it", b"pl", b"pt", b"se")),
        luck.lognormvariate(4.0, 0.7),
        luck.randrange(1, 6),
        luck.random() < _ERRORS,
    )


def _inventory(luck: Random) -> bytes:
    product = luck.randrange(60)
    return b"inventory,product=product-%d,warehouse=w%d quantity=%di,target=100i" % (
        product,
        luck.randrange(3),
        luck.randrange(100),
    )


def _reading(luck: Random) -> bytes:
    device = luck.randrange(500)
    return b"device_reading,device=climate-%04d,kind=climate,site=site%d temperature_c=%.2f,humidity_pct=%.1f" % (
        device,
        device % 8,
        luck.gauss(20, 4),
        luck.uniform(20, 80),
    )


def _status(luck: Random) -> bytes:
    device = luck.randrange(500)
    return (
        b"device_status,device=climate-%04d,firmware=2.%d,site=site%d battery_pct=%.1f,rssi_dbm=%.1f,uptime_s=%di"
        % (device, device % 3, device % 8, luck.uniform(0, 100), luck.gauss(-70, 9), luck.randrange(10**6))
    )


def _host(luck: Random) -> bytes:
    return (
        b"host,host=host%d cpu_pct=%.1f,mem_pct=%.1f,load1=%.2f,disk_used_pct=%.1f,net_rx_bytes_per_s=%.1f,"
        b"net_tx_bytes_per_s=%.1f"
        % (
            luck.randrange(20),
            luck.uniform(0, 100),
            luck.uniform(0, 100),
            luck.uniform(0, 8),
            luck.uniform(0, 100),
            luck.uniform(0, 1e7),
            luck.uniform(0, 1e7),
        )
    )


def _health(name: bytes, tags: bytes) -> Callable[[Random], bytes]:
    def write(luck: Random) -> bytes:
        return b"%s,%s,host=host%d value=%.1f" % (name, tags, luck.randrange(4), luck.uniform(0, 1e6))

    return write


_INTO = b"bucket=telemetry,destination=embedded"
_STREAMS = (
    _Stream(0.50, _request),
    _Stream(0.10, _view),
    _Stream(0.06, _click),
    _Stream(0.05, _order),
    _Stream(0.02, _inventory),
    _Stream(0.10, _reading),
    _Stream(0.05, _status),
    _Stream(0.05, _host),
    _Stream(0.009, _health(b"tocsin_buffer_accepted_lines_total", b"bucket=telemetry")),
    _Stream(0.009, _health(b"tocsin_delivered_lines_total", _INTO)),
    _Stream(0.009, _health(b"tocsin_buffer_lines", _INTO)),
    _Stream(0.009, _health(b"tocsin_buffer_age_seconds", _INTO)),
    _Stream(0.009, _health(b"tocsin_buffer_commit_seconds_sum", b"disk=state")),
    _Stream(0.009, _health(b"tocsin_store_seconds_sum", b"call=write,outcome=stored,store=embedded")),
    _Stream(0.008, _health(b"tocsin_retries_total", b"destination=embedded,reason=unavailable")),
    _Stream(0.008, _health(b"tocsin_dead_lines_total", b"bucket=telemetry,reason=field_type")),
)
