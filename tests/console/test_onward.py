"""From an alert to the board that shows what its rule looks at, and how the boards write what they found."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.console.running import running_console
from tests.fakes.browser import open_page

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

QUERY = 'SELECT sum(error) / count(error) FROM "http_request" GROUP BY service'
AT_MS = 1_792_999_200_000 + 800_000
ALERT = {"state": "firing", "fired_at": "2026-10-26T07:33:20Z", "labels": {"alertname": "E", "service": "pay & ship"}}
BOARDS = [
    {"uid": "all", "title": "All", "asks": ["http_request"], "variables": {}},
    {"uid": "one", "title": "One", "asks": ["http_request"], "variables": {"service": False, "endpoint": False}},
    {"uid": "red", "title": "Red", "asks": ["http_request", "x"], "variables": {"service": True, "feature": True}},
    {"uid": "more", "title": "More", "asks": ["http_request"], "variables": {"service": True, "a": True, "b": True}},
    {"uid": "other", "title": "Other", "asks": ["page_view"], "variables": {"service": True}},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of the console; nothing stands behind it."""
    async with running_console() as url, open_page(browser, f"{url}/alerts") as seen:
        yield seen.page


async def call(page: Page, module: str, function: str, *arguments: Any) -> Any:
    """What an exported function answers."""
    script = "async ([module, name, given]) => (await import(`/static/${module}.js`))[name](...given)"
    return await page.evaluate(script, [module, function, list(arguments)])


async def test_an_alert_leads_to_the_board_that_can_show_it_alone(page: Page) -> None:
    """It asks for the rule's measurement, picks its labels and leaves the least open; live, from before it fired."""
    found = await call(page, "onward", "boardAddress", BOARDS, QUERY, ALERT)
    wish = f"var-service=pay+%26+ship&from={AT_MS - 1_800_000}&to=now"
    assert found == {"title": "Red", "address": f"/boards/red?{wish}"}


async def test_a_board_of_one_thing_is_taken_where_the_alert_names_the_thing(page: Page) -> None:
    """All of its variables are labels, so nothing is left to chance."""
    alert = ALERT | {"labels": ALERT["labels"] | {"endpoint": "/pay"}}  # type: ignore[operator]  # a mapping
    assert (await call(page, "onward", "boardAddress", BOARDS, QUERY, alert))["title"] == "One"


async def test_an_alert_that_is_over_leads_to_its_own_time(page: Page) -> None:
    """Until a little after its last word, not until now."""
    alert = ALERT | {"state": "inactive", "seen_at": "2026-10-26T07:43:20Z"}
    address = (await call(page, "onward", "boardAddress", BOARDS, QUERY, alert))["address"]
    assert address.endswith(f"&to={AT_MS + 900_000}")


@pytest.mark.parametrize("query", [None, "SELECT a FROM nobody_shows_this", "SELECT load_ms FROM page_views"])
async def test_without_a_board_there_is_no_link(page: Page, query: str | None) -> None:
    """The rule is gone, or no board asks for what it looks at."""
    assert await call(page, "onward", "boardAddress", BOARDS, query, ALERT) is None


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("0.21008403361344538 > 0.15 since 15s", "0.2101 > 0.15 since 15s"),
        ("-1234567.123456 < 3", "-1235000 < 3"),
        ("release 1.2.34567 at 10.0.0.12345", "release 1.2.34567 at 10.0.0.12345"),
        ("no data for 2m", "no data for 2m"),
    ],
)
async def test_long_fractions_in_a_sentence_are_cut(page: Page, text: str, short: str) -> None:
    """Four digits that mean something; what is no number stays."""
    assert await call(page, "units", "shortened", text) == short


@pytest.mark.parametrize(
    ("setting", "values", "ticks", "top"),
    [
        ({"unit": "dBm"}, [-54, -47], ["-54 dBm", "-52 dBm", "-50 dBm", "-48 dBm"], -46.58),
        ({"unit": "percent", "min": 0, "max": 100}, [3], ["0 %", "25 %", "50 %", "75 %", "100 %"], 100),
        ({"unit": "locale", "min": 0, "decimals": 0}, [0, 2], ["0", "1", "2"], 2.12),
        ({"unit": "dtdhms", "min": 0}, [0, 676_000], ["0 s", "2 d", "4 d", "6 d", "8 d"], 716_560),
        ({"unit": "ms", "min": 0}, [0, 1900], ["0 ms", "500 ms", "1.00 s", "1.50 s", "2.00 s"], 2014),
    ],
)
async def test_an_axis_has_few_round_steps_over_all_its_values(
    page: Page, setting: dict[str, Any], values: list[float], ticks: list[str], top: float
) -> None:
    """Below zero too; whole numbers where things are counted, and a clock's steps for long times."""
    shown = [{"values": values, "times": list(range(len(values))), "custom": {}}]
    drawn = await call(page, "kinds/axis", "axis", setting, shown)
    assert [tick["text"] for tick in drawn["ticks"]] == ticks
    assert drawn["range"][1] == pytest.approx(top)


async def test_an_axis_reaches_over_bars_that_stand_on_each_other(page: Page) -> None:
    """A bar is as high as what stands in it together: none is cut off."""
    bars = [{"values": [0, 2], "times": [0, 1], "custom": {"drawStyle": "bars"}} for _ in range(2)]
    drawn = await call(page, "kinds/axis", "axis", {"unit": "locale", "min": 0, "decimals": 0}, bars)
    assert drawn["range"] == [0, pytest.approx(4.24)]


@pytest.mark.parametrize(("value", "sign"), [(4, None), (5, "!"), (16, "!!"), (None, None)])
async def test_a_number_past_a_limit_has_a_sign_beside_its_colour(
    page: Page, value: float | None, sign: str | None
) -> None:
    """One for the first limit, two for the second; none where nothing is wrong."""
    steps = [{"color": "blue", "value": None}, {"color": "orange", "value": 5}, {"color": "red", "value": 15}]
    found = await call(page, "fields", "alarm", value, {"thresholds": {"steps": steps}})
    assert (found and found["sign"]) == sign


async def test_the_year_of_a_moment_is_told_where_it_is_another(page: Page) -> None:
    """And the clock has 24 hours, as the axes have."""
    texts = [await call(page, "time", "momentText", AT_MS, now) for now in (AT_MS + 60_000, AT_MS + 31_536_000_000)]
    assert [text.split(",")[0] for text in texts] == ["26 Oct", "26 Oct 2026"]
    assert all(len(text.split(", ")[1]) == len("23:00:00") for text in texts)
