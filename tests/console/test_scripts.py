"""The pure parts of the pages' scripts, run in the real browser: units, windows, macros, frames, transformations."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from alerting.routing.matchers import Matcher, Operator, parse
from tests.console.running import running_console
from tests.fakes.browser import open_page, running_browser

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
HOUR_MS = 3_600_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """A page of the console; nothing stands behind it."""
    async with running_browser() as browser, running_console() as url, open_page(browser, f"{url}/alerts") as seen:
        yield seen.page


async def call(page: Page, module: str, function: str, *arguments: Any) -> Any:
    """What an exported function answers."""
    script = "async ([module, name, given]) => (await import(`/static/${module}.js`))[name](...given)"
    return await page.evaluate(script, [module, function, list(arguments)])


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0.5, "ms", None, "0.5 ms"),
        (812.4, "ms", 0, "812 ms"),
        (1500, "ms", 0, "1.50 s"),
        (90_000, "ms", None, "1 min 30 s"),
        (0.25, "s", None, "250 ms"),
        (3.14159, "percent", 2, "3.14 %"),
        (0.5, "percentunit", None, "50 %"),
        (1536, "bytes", None, "1.5 KiB"),
        (2_500_000, "Bps", None, "2.5 MB/s"),
        (12_345, "short", None, "12.3 K"),
        (12_345, "locale", 0, "12,345"),
        (1999.5, "currencyEUR", None, "€ 2.0 K"),
        (21.456, "celsius", 1, "21.5 °C"),
        (-91, "dBm", 0, "-91 dBm"),
        (93_784, "dtdhms", None, "1 d 2 h"),
        (3, "suffix: lines/s", None, "3 lines/s"),
        (230, "volt", 0, "230 V"),
        (7, "no-such-unit", None, "7"),
    ],
)
async def test_numbers_are_written_with_their_units(
    page: Page, value: float, unit: str, decimals: int | None, text: str
):
    """As Grafana names the units; few digits, and the step to the next larger unit at its size."""
    assert await call(page, "units", "format", value, unit, decimals) == text


@pytest.mark.parametrize(
    ("span_ms", "points", "least", "window_ms"),
    [
        (HOUR_MS, 360, "10s", 10_000),
        (HOUR_MS, 200, "10s", 30_000),
        (5 * 60_000, 360, "10s", 10_000),
        (7 * 24 * HOUR_MS, 300, "10s", 3_600_000),
        (HOUR_MS, 360, None, 10_000),
    ],
)
async def test_windows_are_round_and_not_shorter_than_the_data(
    page: Page, span_ms: int, points: int, least: str | None, window_ms: int
):
    """The next round length that gives at most as many points as fit, and at least the panel's own interval."""
    assert await call(page, "time", "windowMs", span_ms, points, least) == window_ms


async def expand(page: Page, text: str, **scope: Any) -> str:
    script = """async ([text, scope]) => {
      const { expand } = await import('/static/macros.js');
      const { Variables } = await import('/static/variables.js');
      const variables = new Variables(scope.specs, new URLSearchParams(scope.picked), () => {});
      return expand(text, {...scope, variables});
    }"""
    given = {"from": 1_000_003, "to": 1_900_007, "live": True, "windowMs": 10_000, "specs": [], "picked": ""}
    expanded: str = await page.evaluate(script, [text, {**given, **scope}])
    return expanded


async def test_macros_become_times_and_windows(page: Page):
    """The range without windows is taken as it is; the window is a duration and a number of milliseconds."""
    assert (
        await expand(page, "SELECT x / ${__interval_ms} FROM m WHERE $timeFilter")
        == "SELECT x / 10000 FROM m WHERE time >= 1000003ms and time <= 1900007ms"
    )


async def test_a_live_range_ends_with_the_last_whole_window(page: Page):
    """The window that is still running would look like a fall; an absolute range keeps its end."""
    text = "WHERE $timeFilter GROUP BY time(${__interval})"
    assert await expand(page, text) == "WHERE time >= 1000000ms and time <= 1899999ms GROUP BY time(10s)"
    assert await expand(page, text, live=False) == "WHERE time >= 1000000ms and time <= 1900007ms GROUP BY time(10s)"
    fixed = "WHERE $timeFilter GROUP BY time(1m)"
    assert await expand(page, fixed) == "WHERE time >= 960000ms and time <= 1859999ms GROUP BY time(1m)"


@pytest.mark.parametrize(
    ("picked", "pattern"),
    [
        ("", ".*"),
        ("var-endpoint=/pay", r"\/pay"),
        ("var-endpoint=/a&var-endpoint=/b.c", r"(\/a|\/b\.c)"),
        ("var-endpoint=/products/{id}", r"\/products\/\{id\}"),
    ],
)
async def test_variables_are_escaped_for_regular_expressions(page: Page, picked: str, pattern: str):
    """As Grafana's `:regex` does: every special sign and the slash; All is the variable's own pattern."""
    spec = {"type": "query", "name": "endpoint", "multi": True, "includeAll": True, "allValue": ".*", "query": "x"}
    text = await expand(page, '"endpoint" =~ /^${endpoint:regex}$/', specs=[spec], picked=picked)
    assert text == f'"endpoint" =~ /^{pattern}$/'


ANSWER = [
    {"name": "m", "tags": {"host": "a"}, "columns": ["time", "p50", "p95"], "values": [[1, 10, 20], [2, None, 30]]},
    {"name": "m", "tags": {"host": "b"}, "columns": ["time", "p50", "p95"], "values": [[1, 5, 6]]},
]


async def test_an_answer_becomes_series_named_by_their_alias(page: Page):
    """One series for each value column of each group; $col and $tag_x stand in the alias."""
    series = await call(page, "frames", "toSeries", ANSWER, "$tag_host $col")
    assert [one["name"] for one in series] == ["a p50", "a p95", "b p50", "b p95"]
    assert series[0] == {"name": "a p50", "labels": {"host": "a"}, "times": [1, 2], "values": [10, None]}


async def test_an_answer_becomes_a_table_with_time_and_tags_first(page: Page):
    """One row a point, the tags as columns."""
    table = await call(page, "frames", "toTable", [ANSWER])
    assert [field["name"] for field in table["fields"]] == ["Time", "host", "p50", "p95"]
    assert [field["values"] for field in table["fields"]] == [[1, 2, 1], ["a", "a", "b"], [10, None, 5], [20, 30, 6]]


async def test_transformations_drop_sort_and_limit(page: Page):
    """Organize leaves out, sortBy orders with the largest first, limit cuts; an unknown one changes nothing."""
    table = {"fields": [{"name": "Time", "values": [1, 2, 3]}, {"name": "clicks", "values": [5, 9, 7]}]}
    steps = [
        {"id": "organize", "options": {"excludeByName": {"Time": True}}},
        {"id": "sortBy", "options": {"sort": [{"field": "clicks", "desc": True}]}},
        {"id": "limit", "options": {"limitField": "2"}},
        {"id": "seriesToRows", "options": {}},
    ]
    assert await call(page, "transform", "transform", [table], steps) == {
        "fields": [{"name": "clicks", "values": [9, 7]}]
    }


def columns(**values: list[float | None]) -> dict[str, Any]:
    return {"fields": [{"name": name, "values": given} for name, given in values.items()]}


async def test_two_answers_become_one_quotient(page: Page):
    """A join puts rows of the same time side by side, a calculation divides; nothing by nothing is no value."""
    orders, visits = columns(Time=[1, 2, 3], orders=[2, 3, 1]), columns(Time=[1, 3, 4], visits=[8, 0, 5])
    binary = {"left": {"matcher": {"id": "byName", "options": "orders"}}, "operator": "/", "right": "visits"}
    steps = [
        {"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}},
        {"id": "calculateField", "options": {"binary": binary, "alias": "conversion", "replaceFields": True}},
    ]
    assert await call(page, "transform", "transform", [orders, visits], steps) == columns(
        Time=[1, 2, 3, 4], conversion=[0.25, None, None, None]
    )
    assert await call(page, "transform", "transform", [orders, columns()], steps) == {"fields": []}


GRID = """async ([specs, picked, panels]) => {
  const { Grid } = await import('/static/grid.js');
  const { Variables } = await import('/static/variables.js');
  const variables = new Variables(specs, new URLSearchParams(picked), () => {});
  const grid = new Grid(panels, () => {});
  grid.arrange(variables);
  const placed = (one) => ['--x', '--y', '--w'].map((name) => Number(one.style.getPropertyValue(name)));
  return [...grid.root.querySelectorAll('.row-heading h2, .panel')].map((one) => one.matches('.panel')
    ? [one.getAttribute('aria-label'), ...placed(one), one.closest('.grid').hidden] : one.textContent);
}"""
HOSTS = [{"type": "custom", "name": "host", "query": "a,b,c", "multi": True, "includeAll": True}]


def panel(title: str, x: int, y: int, w: int = 12, **more: Any) -> dict[str, Any]:
    return {"type": "stat", "title": title, "gridPos": {"x": x, "y": y, "w": w, "h": 4}, **more}


async def test_rows_and_panels_are_repeated_for_what_is_picked(page: Page):
    """A row stands once for each value, with its panels; a repeated panel shares its lines and moves others down."""
    row = {"type": "row", "id": 9, "title": "On $host", "repeat": "host", "gridPos": {"x": 0, "y": 4, "w": 24, "h": 1}}
    below = [panel("Load", 0, 5), panel("Disk", 12, 5)]
    picked = "var-host=a&var-host=c"
    assert await page.evaluate(GRID, [HOSTS, picked, [panel("All", 0, 0), row, *below]]) == [
        ["All", 1, 1, 12, False],
        *("On a", ["Load", 1, 1, 12, False], ["Disk", 13, 1, 12, False]),
        *("On c", ["Load", 1, 1, 12, False], ["Disk", 13, 1, 12, False]),
    ]
    repeated = panel("Each", 0, 0, 24, repeat="host", maxPerRow=2)
    assert await page.evaluate(GRID, [HOSTS, "", [repeated, panel("Below", 0, 4)]]) == [
        ["Each", 1, 1, 12, False],
        ["Each", 13, 1, 12, False],
        ["Each", 1, 5, 12, False],
        ["Below", 1, 9, 12, False],
    ]


async def test_a_folded_row_carries_its_panels_and_hides_them(page: Page):
    """What Grafana keeps inside a collapsed row is laid out under its heading, out of sight."""
    inside = [panel("Detail", 0, 9)]
    row = panel("More", 0, 0, 24) | {"type": "row", "id": 9, "collapsed": True, "panels": inside}
    assert await page.evaluate(GRID, [[], "", [row]]) == ["More", ["Detail", 1, 1, 12, True]]


@pytest.mark.parametrize(
    ("mappings", "value", "text"),
    [
        ([{"type": "value", "options": {"0": {"text": "silent"}}}], 0, "silent"),
        ([{"type": "range", "options": {"from": None, "to": 0, "result": {"text": "spent"}}}], -3, "spent"),
        ([{"type": "range", "options": {"from": 1, "to": 5, "result": {"text": "some"}}}], 6, "6"),
        ([{"type": "special", "options": {"match": "null", "result": {"text": "never"}}}], None, "never"),
    ],
)
async def test_words_stand_for_values(page: Page, mappings: list[dict[str, Any]], value: float, text: str):
    """A value, a range or nothing at all may be mapped to words; what is not mapped is a number."""
    assert await call(page, "fields", "written", value, {"unit": "none", "mappings": mappings}) == text


@pytest.mark.parametrize(
    ("calculation", "result"), [("lastNotNull", 3), ("mean", 2), ("max", 3), ("min", 1), ("sum", 4), ("count", 2)]
)
async def test_calculations_leave_out_what_is_null(page: Page, calculation: str, result: float):
    """A null is no value; nothing but nulls is null."""
    assert await call(page, "frames", "reduce", [1, None, 3, None], calculation) == result
    assert await call(page, "frames", "reduce", [None], calculation) is None


async def test_overrides_win_over_defaults_for_their_field_alone(page: Page):
    """A property with dots goes into its place; another field keeps the defaults."""
    panel = {
        "fieldConfig": {
            "defaults": {"unit": "none", "custom": {"align": "auto"}},
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": "p95"},
                    "properties": [
                        {"id": "unit", "value": "ms"},
                        {"id": "custom.cellOptions", "value": {"type": "gauge"}},
                    ],
                }
            ],
        }
    }
    assert await call(page, "fields", "settings", panel, "p95") == {
        "unit": "ms",
        "custom": {"align": "auto", "cellOptions": {"type": "gauge"}},
    }
    assert (await call(page, "fields", "settings", panel, "p50"))["unit"] == "none"


async def test_links_keep_time_and_what_is_picked(page: Page):
    """Grafana's words in a link become this page's range and variables, and values of the row or series, escaped."""
    script = """async ([url, row, labels]) => {
      const { address } = await import('/static/links.js');
      const { Variables } = await import('/static/variables.js');
      const specs = [{ type: 'custom', name: 'site', query: 'a b,c' }];
      const variables = new Variables(specs, new URLSearchParams(), () => {});
      return address(url, { variables, board: { timeParameters: () => 'from=now-5m&to=now' } }, row, labels);
    }"""
    found = [
        await page.evaluate(script, [url, {"endpoint": "/p/{id}?a&b"}, {"service": "pay"}])
        for url in (
            "/d/tocsin-x?${__all_variables}&${__url_time_range}",
            "/d/tocsin-x?var-datasource=${datasource}&var-e=${__data.fields.endpoint:percentencode}&${__url_time_range}",
            "/d/tocsin-x?var-s=${__field.labels.service:percentencode}",
        )
    ]
    assert found == [
        "/boards/tocsin-x?var-site=a+b&from=now-5m&to=now",
        "/boards/tocsin-x?var-e=%2Fp%2F%7Bid%7D%3Fa%26b&from=now-5m&to=now",
        "/boards/tocsin-x?var-s=pay",
    ]


HEAT = [
    {"name": "+Inf", "labels": {}, "times": [0, 60_000], "values": [0, 1]},
    {"name": "100", "labels": {}, "times": [0, 60_000], "values": [4, 9]},
    {"name": "50", "labels": {}, "times": [0, 60_000], "values": [None, 16]},
]


async def test_a_heat_map_is_a_row_a_range_in_rising_order(page: Page):
    """Whatever the order of the answers: the smallest bound first, what is above the last at the top, 0 left blank."""
    script = """async (series) => {
      const { heatmap } = await import('/static/kinds/heatmap.js');
      const body = document.createElement('div');
      const kind = heatmap(body, { options: { yAxis: { unit: 'ms' } } });
      const filled = kind.update({ series }, { from: 0, to: 120000, windowMs: 60000 }, []);
      const boxes = [...body.querySelectorAll('.cells')].map((one) => one.getAttribute('d'));
      return [filled, [...body.querySelectorAll('.values span')].map((one) => one.textContent), boxes];
    }"""
    filled, names, boxes = await page.evaluate(script, HEAT)
    assert filled is True
    assert names == ["≤ 50 ms", "≤ 100 ms", "> 100 ms"]
    assert boxes == [
        "M500 333.3V0H1000V333.3Z",
        "M0 666.7V333.3H500V666.7Z",
        "M500 666.7V333.3H1000V666.7Z",
        "M500 1000V666.7H1000V1000Z",
    ]


async def test_a_state_lasts_until_it_changes(page: Page):
    """Neighbours of the same words are one stretch, a null is a hole, the last point lasts one window."""
    script = """async (values) => {
      const { statetimeline } = await import('/static/kinds/statetimeline.js');
      const body = document.createElement('div');
      const mappings = [{ type: 'value', options: { 0: { text: 'down', color: 'red' } } },
        { type: 'range', options: { from: 1, to: null, result: { text: 'up', color: 'blue' } } }];
      const kind = statetimeline(body, { fieldConfig: { defaults: { mappings } } });
      const times = values.map((_, at) => at * 10000);
      kind.update({ series: [{ name: 'd', times, values }] }, { from: 0, to: 100000, windowMs: 10000 });
      const told = (one) => [one.title.split(':')[0], one.style.left, one.style.width];
      return [...body.querySelectorAll('.state')].map(told);
    }"""
    assert await page.evaluate(script, [2, 1, 0, None, 3]) == [
        ["up", "0%", "20%"],
        ["down", "20%", "10%"],
        ["up", "40%", "10%"],
    ]


async def test_an_unknown_kind_of_panel_shows_its_query(page: Page):
    """What the console cannot draw it says so, with the query."""
    script = """async () => {
      const { Panel } = await import('/static/panel.js');
      const panel = new Panel({ id: 7, type: 'geomap', title: 'Map', targets: [{ query: 'SELECT lat FROM m' }] });
      await panel.refresh({}, null);
      return [panel.root.dataset.state, panel.root.textContent];
    }"""
    state, text = await page.evaluate(script)
    assert state == "unsupported"
    assert "Map" in text
    assert "SELECT lat FROM m" in text


@pytest.mark.parametrize(("no_value", "filled", "shown"), [("0", True, "0"), ("nothing yet", False, "")])
async def test_what_never_happened_is_a_zero_where_the_panel_says_so(
    page: Page, no_value: str, filled: bool, shown: str
):
    """A number without data shows its noValue when that is a number, as Grafana does; words leave the panel empty."""
    script = """async (noValue) => {
      const { stat } = await import('/static/kinds/stat.js');
      const body = document.createElement('div');
      const kind = stat(body, { fieldConfig: { defaults: { noValue } } });
      return [kind.update({ series: [], table: { fields: [] } }), body.textContent];
    }"""
    assert await page.evaluate(script, no_value) == [filled, shown]


@pytest.mark.parametrize(
    "value",
    ["/pay", "", 'a "quoted" one', "C:\\new\\table", "two\nlines", "{a,b}", "ünïcode \u202e", "~=!", "\\", '\\"'],
)
@pytest.mark.parametrize("name", ["team", 'odd "name"', "a b"])
async def test_a_matcher_made_of_any_label_is_read_back_whole(page: Page, name: str, value: str):
    """By the page and by alerting: quotes, backslashes and line ends neither break out of it nor change in it."""
    made = {"name": name, "operator": "=", "value": value}
    text = await call(page, "matchers", "matcherText", made)
    assert await call(page, "matchers", "readMatcher", text) == made
    assert parse(text) == (Matcher(name, Operator.EQUAL, value),)
    assert await call(page, "matchers", "meets", [made], {name: value}) is True
    assert await call(page, "matchers", "meets", [made], {name: value + "x"}) is False


@pytest.mark.parametrize(
    ("operator", "value", "labels", "met"),
    [
        ("!=", "web", {}, True),
        ("=~", "shop|cart", {"team": "cart"}, True),
        ("=~", "shop|cart", {"team": "carts"}, False),
        ("=~", ".*", {}, True),
        ("!~", "s.*", {"team": "shop"}, False),
        ("!~", "s.*", {}, True),
    ],
)
async def test_what_a_silence_would_match_is_tried_as_alerting_does(
    page: Page, operator: str, value: str, labels: dict[str, str], met: bool
):
    """An expression has to match the whole value, and a missing label is an empty one."""
    matcher = {"name": "team", "operator": operator, "value": value}
    assert await call(page, "matchers", "meets", [matcher], labels) is met
