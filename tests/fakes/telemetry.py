"""An hour of everything that the design's table lists, and the orders of that hour a week before, as line protocol:
the same bytes for the same end.

Small on purpose (about 12 000 lines), yet every tag has several values and every field is there, so every panel of
every board has something to draw.
"""

import math
import random
from collections.abc import Iterator

NS = 1_000_000_000
HOUR_S = 3600
WEEK_S = 7 * 86_400

ENDPOINTS = (  # service, feature, endpoint, method, typical ms
    ("shop", "browse", "/products", "GET", 40),
    ("shop", "browse", "/products/{id}", "GET", 60),
    ("shop", "search", "/search", "GET", 120),
    ("shop", "cart", "/cart", "POST", 70),
    ("payments", "checkout", "/checkout", "POST", 180),
    ("payments", "checkout", "/pay", "POST", 320),
    ("accounts", "account", "/login", "POST", 90),
)
PRODUCTS = ("lamp", "desk", "chair", "kettle", "rug", "clock", "shelf", "mug", "vase", "plant", "mirror", "stool")
DEVICES = 24
SITES = ("north", "south", "harbour")


def an_hour(end_ns: int, *, seed: int = 7) -> bytes:
    """Lines of the hour before `end_ns`, newline at the end of each."""
    luck = random.Random(seed)  # noqa: S311 - made-up data
    start = end_ns - HOUR_S * NS
    rooms = (_requests, _views, _clicks, _orders, _inventory, _readings, _status, _host, _health, _events)
    lines = [line for room in rooms for line in room(start, luck)]
    lines += _orders(start - WEEK_S * NS, luck)
    return "".join(f"{line}\n" for line in lines).encode()


def _requests(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 5):
        for number, (service, feature, endpoint, method, usual) in enumerate(ENDPOINTS):
            failed = luck.random() < (0.02 if service == "payments" else 0.002)
            status = luck.choice(("500", "503")) if failed else luck.choices(("200", "304", "404"), (90, 8, 2))[0]
            took = usual * luck.lognormvariate(0, 0.35) * (1.3 + 0.3 * math.sin(second / 600))
            yield (
                f"http_request,service={service},feature={feature},endpoint={endpoint},method={method},"
                f"status={status},release=v{1 + second // 1800} duration_ms={took:.3f},error={int(failed)}i,"
                f"bytes={luck.randrange(200, 9000)}i {start + second * NS + number}"
            )


def _views(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 3):
        page, device = luck.choice(("home", "product", "cart", "search")), luck.choice(("phone", "desktop", "tablet"))
        yield (
            f'page_view,service=shop,page={page},device_class={device} user="u{luck.randrange(400)}",'
            f"load_ms={luck.lognormvariate(5.5, 0.4):.1f} {start + second * NS}"
        )


def _clicks(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 4):
        rank = min(int(luck.expovariate(0.35)), len(PRODUCTS) - 1)
        yield (
            f"product_click,product={PRODUCTS[rank]},category={'home' if rank % 2 else 'kitchen'} "
            f'user="u{luck.randrange(400)}",count=1i {start + second * NS}'
        )


def _orders(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 9):
        channel, country = luck.choice(("web", "app")), luck.choice(("de", "fr", "at"))
        failed = int(luck.random() < 0.03)
        yield (
            f"shop_order,channel={channel},country={country} amount={luck.lognormvariate(3.6, 0.6):.2f},"
            f"items={luck.randrange(1, 6)}i,failed={failed}i {start + second * NS}"
        )


def _inventory(start: int, luck: random.Random) -> Iterator[str]:
    for minute in range(0, 60, 5):
        for product in PRODUCTS:
            for warehouse in ("east", "west"):
                target = 200
                quantity = max(0, target - luck.randrange(20) - minute * (1 + PRODUCTS.index(product) // 4))
                yield (
                    f"inventory,product={product},warehouse={warehouse} quantity={quantity}i,target={target}i "
                    f"{start + minute * 60 * NS}"
                )


def _readings(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 30):
        for number in range(DEVICES):
            site = SITES[number % len(SITES)]
            warm = 18 + 3 * (number % len(SITES)) + 2 * math.sin(second / 900) + luck.gauss(0, 0.3)
            damp = 45 + 5 * (number % len(SITES)) + luck.gauss(0, 1)
            extra = ",power_w=1.5,voltage_v=3.6,co2_ppm=640" if number < 2 else ""
            yield (
                f"device_reading,device=d{number:03},site={site},kind=climate temperature_c={warm:.2f},"
                f"humidity_pct={damp:.1f}{extra} {start + second * NS}"
            )


def _status(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 30):
        for number in range(DEVICES):
            if number == 5 and second > HOUR_S / 3:
                continue
            battery = 100 - number * 3.7 - second / HOUR_S
            yield (
                f"device_status,device=d{number:03},site={SITES[number % len(SITES)]},firmware=1.{number % 3} "
                f"battery_pct={battery:.1f},rssi_dbm={-50 - number * 1.8 + luck.gauss(0, 2):.1f},"
                f"uptime_s={number * HOUR_S + second}i {start + second * NS}"
            )


def _host(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 10):
        yield (
            f"host,host=box cpu_pct={25 + 15 * math.sin(second / 300) + luck.gauss(0, 3):.1f},"
            f"mem_pct={50 + second / 360:.1f},load1={1.1 + luck.random():.2f},disk_used_pct={81 + second / 3600:.2f},"
            f"net_rx_bytes_per_s={luck.uniform(15e3, 30e3):.0f},net_tx_bytes_per_s={luck.uniform(5e3, 9e3):.0f} "
            f"{start + second * NS}"
        )


def _health(start: int, luck: random.Random) -> Iterator[str]:
    for second in range(0, HOUR_S, 10):
        at, lines = start + second * NS, second * 40
        place = "bucket=telemetry,destination=embedded,host=box"
        yield f"tocsin_buffer_accepted_lines_total,bucket=telemetry,host=box value={lines} {at}"
        yield f"tocsin_delivered_lines_total,{place} value={max(lines - 30, 0)} {at}"
        yield f"tocsin_buffer_lines,{place} value={luck.randrange(60)} {at}"
        yield f"tocsin_buffer_age_seconds,{place} value={luck.uniform(0, 0.8):.3f} {at}"
        yield f"tocsin_buffer_commit_seconds_sum,host=box value={second * 0.02:.3f} {at}"
        yield f"tocsin_store_seconds_sum,call=write,host=box,outcome=ok,store=embedded value={second * 0.05:.3f} {at}"
        yield f"tocsin_retries_total,destination=embedded,host=box,reason=unavailable value={second // 900} {at}"
        yield f"tocsin_dead_lines_total,bucket=telemetry,host=box,reason=refused value={second // 600} {at}"
        yield f"tocsin_rejected_lines_total,host=box,reason=field_type value={second // 400} {at}"
        yield f"tocsin_auth_failures_total,host=box,reason=unknown value={second // 1200} {at}"
        yield f"tocsin_buffer_used_bytes,host=box value={1_000_000 + 50 * second} {at}"
        yield f"tocsin_buffer_quota_bytes,host=box value=8000000 {at}"
        yield f"tocsin_requests_total,host=box,path=/api/v2/write,status=204 value={second * 2} {at}"
        yield f"tocsin_request_seconds_sum,host=box,path=/api/v2/write value={second * 0.004:.3f} {at}"
        yield f"tocsin_request_seconds_count,host=box,path=/api/v2/write value={second * 2} {at}"


def _events(start: int, _luck: random.Random) -> Iterator[str]:
    changes = (  # minute, rule, severity, state, change, opened, and for an end how long it was in seconds
        (34, "CheckoutSlow", "warning", "pending", "pending", 0, None),
        (35, "CheckoutSlow", "warning", "firing", "fired", 1, None),
        (41, "CheckoutSlow", "warning", "inactive", "resolved", -1, 360),
        (44, "CheckoutSlow", "critical", "firing", "fired", 1, None),
        (46, "CheckoutSlow", "critical", "inactive", "resolved", -1, 120),
        (50, "DeviceSilent", "critical", "firing", "fired", 1, None),
    )
    for minute, rule, severity, state, change, opened, lasted in changes:
        service = "payments" if rule == "CheckoutSlow" else "fleet"
        ending = "" if lasted is None else f",lasted_s={lasted}"
        words = f'change="{change}",summary="{rule}: 512.5",incident="i1"'
        yield (
            f"alert_event,alertname={rule},severity={severity},state={state},service={service} value=512.5,"
            f"opened={opened}i{ending},{words} {start + minute * 60 * NS}"
        )
    yield f'deploy,service=shop,release=v2 text="v2 with the new search" {start + 30 * 60 * NS}'
