"""Charts over time as the console draws them: lines, areas, bars, the clock, and what the pointer does."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.console.running import running_console
from tests.fakes.browser import LATE_MS, open_page

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

MINUTE_MS = 60_000
SCOPE = {"from": 0, "to": 10 * MINUTE_MS, "windowMs": MINUTE_MS}
DRAW = """async ([spec, series, scope, marks]) => {
  const { timeseries } = await import('/static/kinds/timeseries.js');
  const { el } = await import('/static/dom.js');
  const body = el('div', { class: 'body' });
  const style = { height: '300px', width: '600px' };
  document.body.replaceChildren(el('section', { class: 'panel timeseries', style }, body));
  window.zoomed = null;
  window.drawer = timeseries(body, spec);
  const board = { setRange: (from, to) => (window.zoomed = [from, to]) };
  return drawer.update({ series }, { ...scope, board }, marks);
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of the console; nothing stands behind it, and a chart of the test takes its place."""
    async with running_console() as url, open_page(browser, f"{url}/sign-in") as seen:
        await seen.page.add_style_tag(url=f"{url}/static/style.css")
        await seen.page.add_style_tag(url=f"{url}/static/kinds.css")
        yield seen.page


def line(name: str, values: list[float | None]) -> dict[str, Any]:
    """A series with a value a minute from the beginning of the range."""
    return {"name": name, "labels": {}, "times": [at * MINUTE_MS for at in range(len(values))], "values": values}


def panel(custom: dict[str, Any] | None = None, **defaults: Any) -> dict[str, Any]:
    """A panel whose value axis goes from 0 to 10."""
    return {"fieldConfig": {"defaults": {"min": 0, "max": 10, "custom": custom or {}, **defaults}}}


async def draw(page: Page, spec: dict[str, Any], series: list[dict[str, Any]], marks: Any = ()) -> Any:
    """Whether the chart said that it has data."""
    return await page.evaluate(DRAW, [spec, series, SCOPE, list(marks)])


async def paths(page: Page, selector: str) -> list[str | None]:
    """The shapes that are found, as they are written."""
    return [await one.get_attribute("d") for one in await page.locator(f".canvas {selector}").all()]


async def test_a_line_breaks_where_a_value_is_missing(page: Page):
    """Neighbours are joined, a hole is not, and a point without neighbours is a dot."""
    assert await draw(page, panel(), [line("a", [0, 5, None, 10, None, 1, 2])]) is True
    assert await paths(page, ".stroke:not(.lone)") == ["M0 1000L100 500M500 900L600 800"]
    assert await paths(page, ".stroke.lone") == ["M300 0h0"]


async def test_a_hole_is_bridged_as_far_as_the_panel_says(page: Page):
    """spanNulls: all of them, or those of so many milliseconds."""
    values = [0, None, 5, None, None, None, 10]
    await draw(page, panel({"spanNulls": True}), [line("a", values)])
    assert await paths(page, ".stroke") == ["M0 1000L200 500L600 0"]
    await draw(page, panel({"spanNulls": 2 * MINUTE_MS}), [line("a", values)])
    assert await paths(page, ".stroke:not(.lone)") == ["M0 1000L200 500"]


async def test_an_area_goes_down_to_nought_and_not_below_the_chart(page: Page):
    """A stretch of its own for each run of values; with an axis that begins higher, down to its lower edge."""
    await draw(page, panel({"fillOpacity": 20}), [line("a", [5, 5, None, 5, 5])])
    assert await paths(page, "[fill-opacity='0.2']") == [
        "M0 500L100 500L100 1000L0 1000ZM300 500L400 500L400 1000L300 1000Z"
    ]
    await draw(page, panel({"fillOpacity": 20}, min=4), [line("a", [7, 7])])
    (shape,) = await paths(page, "[fill-opacity='0.2']")
    assert shape is not None
    assert shape.endswith("L100 1000L0 1000Z")


async def test_stacked_areas_stand_on_each_other(page: Page):
    """The second begins where the first ends, and a value that it lacks adds nothing."""
    stacked = panel({"stacking": {"mode": "normal"}, "fillOpacity": 30})
    await draw(page, stacked, [line("a", [2, 4]), line("b", [3, None])])
    assert await paths(page, "[fill-opacity='0.3']") == [
        "M0 800L100 600L100 1000L0 1000Z",
        "M0 500L100 600L100 600L0 800Z",
    ]


async def test_bars_of_a_window_stand_on_each_other(page: Page):
    """Each as wide as its window, which begins at its moment; below nought they hang under each other."""
    await draw(page, panel({"drawStyle": "bars"}, min=-10), [line("a", [5, -5]), line("b", [5, -5])])
    assert await paths(page, ".bars-of") == [
        "M0 500V250H100V500ZM100 500V750H200V500Z",
        "M0 250V0H100V250ZM100 750V1000H200V750Z",
    ]


async def test_limits_and_marks_lie_across_a_chart(page: Page):
    """A dashed line at each limit; a mark within the range has a line and a flag with its words."""
    steps = [{"color": "blue", "value": None}, {"color": "red", "value": 5}]
    marks = [
        {"at": 5 * MINUTE_MS, "colour": "#ff0000", "title": "Slow <b>", "text": "p95 above 1 s"},
        {"at": 11 * MINUTE_MS, "colour": "#ff0000", "title": "later", "text": ""},
    ]
    spec = panel({"thresholdsStyle": {"mode": "dashed"}}, thresholds={"steps": steps})
    await draw(page, spec, [line("a", [1, 2])], marks)
    assert await paths(page, ".bound") == ["M0 500H1000"]
    assert await paths(page, ".mark") == ["M500 0V1000"]
    assert await page.locator(".flag").get_attribute("title") == "Slow <b>\np95 above 1 s"


async def test_a_chart_tells_the_values_under_the_pointer(page: Page):
    """Those of the nearest moment that has any, in the field's unit; nothing once the pointer has left."""
    await draw(page, panel(unit="ms"), [line("a", [1, 2, 3]), line("b", [4, None, 6])])
    box = await page.locator(".canvas").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.21, box["y"] + 40)
    await expect(page.locator(".told li")).to_have_text(["a3 ms", "b6 ms"], timeout=LATE_MS)
    await page.mouse.move(box["x"] + box["width"] * 0.09, box["y"] + 40)
    await expect(page.locator(".told li")).to_have_text(["a2 ms"], timeout=LATE_MS)
    await page.mouse.move(box["x"] + 40, box["y"] + 290)
    await expect(page.locator(".told")).to_be_hidden(timeout=LATE_MS)


async def test_what_a_finger_tapped_is_told_after_it_is_lifted(page: Page):
    """A finger leaves at once; its words stay until the page scrolls or another place is touched."""
    await draw(page, panel(unit="ms"), [line("a", [1, 2, 3])])
    box = await page.locator(".canvas").bounding_box()
    assert box is not None
    finger = {"pointerType": "touch", "clientX": box["x"] + box["width"] * 0.2, "clientY": box["y"] + 40}
    for sign in ("pointerdown", "pointerup", "pointerleave"):
        await page.locator(".canvas").dispatch_event(sign, finger)
    await expect(page.locator(".told li")).to_have_text(["a3 ms"], timeout=LATE_MS)
    await page.evaluate("window.dispatchEvent(new Event('scroll'))")
    await expect(page.locator(".told")).to_be_hidden(timeout=LATE_MS)


async def test_a_stretch_that_is_dragged_over_becomes_the_range(page: Page):
    """From its beginning to its end, in whole milliseconds, whichever way it was dragged; a click is no stretch."""
    await draw(page, panel(), [line("a", [1, 2, 3])])
    box = await page.locator(".canvas").bounding_box()
    assert box is not None
    y = box["y"] + 40
    await page.mouse.click(box["x"] + 100, y)
    assert await page.evaluate("window.zoomed") is None
    await page.mouse.move(box["x"] + box["width"] * 0.75, y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.25, y, steps=4)
    await page.mouse.up()
    start, end = await page.evaluate("window.zoomed")
    assert (start, end) == (int(start), int(end))
    assert (start, end) == pytest.approx((2.5 * MINUTE_MS, 7.5 * MINUTE_MS), abs=MINUTE_MS / 10)


async def test_drawing_again_leaves_no_element_behind(page: Page):
    """An open board draws for days: the hundredth time there are as many elements as the first, in the same frame."""
    found = await page.evaluate(
        f"""async (given) => {{
          await ({DRAW})(given);
          const [, series, scope] = given;
          const frame = document.querySelector('.canvas');
          const counts = [];
          for (let time = 0; time < 100; time++) {{
            drawer.update({{ series }}, {{ ...scope, board: null }}, []);
            counts.push(document.querySelectorAll('*').length);
          }}
          return [new Set(counts).size, frame === document.querySelector('.canvas')];
        }}""",
        [panel(), [line("a", [1, 2, 3])], SCOPE, []],
    )
    assert found == [1, True]


@pytest.mark.parametrize(
    ("span_ms", "step_ms", "first"),
    [
        (5 * MINUTE_MS, MINUTE_MS, "00:01"),
        (60 * MINUTE_MS, 10 * MINUTE_MS, "00:10"),
        (24 * 60 * MINUTE_MS, 6 * 60 * MINUTE_MS, "06:00"),
        (30_000, 5_000, "00:00:35"),
    ],
)
async def test_the_clock_has_few_round_moments(page: Page, span_ms: int, step_ms: int, first: str):
    """At most seven, all alike far apart, in local time; seconds are written where they are needed only."""
    found = await page.evaluate(
        """async (span) => {
          const { labels, timeTicks } = await import('/static/kinds/timeaxis.js');
          const from = new Date(2026, 0, 15, 0, 0, 30).getTime();
          const ticks = timeTicks(from, from + span);
          return [ticks, labels(ticks, span).map(({ text }) => text)];
        }""",
        span_ms,
    )
    ticks, texts = found
    apart = {second - first for first, second in pairwise(ticks)}
    assert apart == {step_ms}
    assert 2 < len(ticks) <= 7
    assert first in texts[:2]
