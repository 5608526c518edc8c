"""A live panel that asks for its last windows only shows what it would show if it asked for everything."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.console.running import running_console
from tests.fakes.browser import open_page, running_browser

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

RUN = """async ([text, fill, random, steps]) => {
  const { Follower } = await import('/static/follow.js');
  const { Variables } = await import('/static/variables.js');
  const { expand } = await import('/static/macros.js');
  const points = random.map(([at, tag, value]) => ({ at, tag, value }));
  let now = 0, asked = [];
  const ask = (statement, seen = asked) => {
    const [, from, to] = /time >= (-?[0-9]+)ms and time <= ([0-9]+)ms/.exec(statement).map(Number);
    seen.push(to - from);
    const length = 10000;
    const known = points.filter((p) => p.at >= from && p.at <= to && p.at <= now);
    const tags = [...new Set(known.map((p) => p.tag))].sort();
    return tags.map((tag) => {
      const values = [];
      for (let start = Math.floor(from / length) * length; start <= to; start += length) {
        const inside = known.filter((p) => p.tag === tag && p.at >= start && p.at < start + length);
        if (inside.length > 0) values.push([start, inside.reduce((sum, p) => sum + p.value, 0)]);
        else if (fill !== 'none') values.push([start, fill]);
      }
      return { name: 'm', tags: { tag }, columns: ['time', 'sum'], values };
    });
  };
  const follower = new Follower(text, async (statement) => ask(statement), () => now);
  const found = [];
  for (let step = 0; step < steps; step++) {
    now = 400000 + step * 7000;
    const variables = new Variables([], new URLSearchParams(), () => {});
    const scope = { from: now - 200000, to: now, live: true, windowMs: 10000, variables };
    const told = await follower.answer(scope);
    const whole = ask(expand(text, scope), []);
    found.push([told, whole]);
  }
  return { found, asked };
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """A page of the console; nothing stands behind it."""
    async with running_browser() as browser, running_console() as url, open_page(browser, f"{url}/alerts") as seen:
        yield seen.page


def points(steps: int) -> list[list[Any]]:
    """Series that are always there, that begin, that end, and that come and go."""
    steady = [[at, "steady", at % 7 + 1] for at in range(0, 400_000 + steps * 7_000, 3_000)]
    begins = [[at, "begins", 1] for at in range(450_000, 900_000, 4_000)]
    ends = [[at, "ends", 2] for at in range(150_000, 420_000, 4_000)]
    rare = [[at, "rare", 5] for at in range(0, 900_000, 90_000)]
    return [*steady, *begins, *ends, *rare]


@pytest.mark.parametrize(("wish", "fill"), [("fill(none)", "none"), ("fill(null)", None), ("", None), ("fill(0)", 0)])
async def test_what_is_followed_is_what_a_whole_answer_says(page: Page, wish: str, fill: Any) -> None:
    """Window by window, for series that stay, begin, end and come and go, under each kind of fill."""
    text = f"SELECT sum(value) FROM m WHERE $timeFilter GROUP BY time(${{__interval}}), tag {wish}"  # noqa: S608 - our own words
    ran = await page.evaluate(RUN, [text, fill, points(40), 40])
    for told, whole in ran["found"]:
        assert drawn(told) == drawn(whole)
    asked = ran["asked"]
    assert asked[0] > 190_000
    assert sum(span > 100_000 for span in asked) == 1
    assert len(asked) == 40


def drawn(series: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """What a chart shows: all values of series that have any but zeros."""
    lines = {one["tags"]["tag"]: [row for row in one["values"] if row[1] is not None] for one in series}
    return {tag: rows for tag, rows in lines.items() if any(row[1] for row in rows)}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT derivative(sum(value)) FROM m WHERE $timeFilter GROUP BY time(${__interval}), tag",
        "SELECT sum(value) FROM m WHERE $timeFilter GROUP BY time(${__interval}), tag fill(previous)",
        "SELECT sum(value) FROM m WHERE $timeFilter GROUP BY time(${__interval}), tag ORDER BY time DESC LIMIT 3",
        "SELECT sum(value) FROM m WHERE $timeFilter GROUP BY tag",
        "SELECT sum(v) FROM (SELECT last(value) AS v FROM m WHERE $timeFilter GROUP BY time(${__interval}), tag)",
    ],
)
async def test_values_that_hang_on_their_neighbours_are_asked_whole(page: Page, text: str) -> None:
    """Each time."""
    ran = await page.evaluate(RUN, [text, None, points(5), 5])
    assert len(ran["asked"]) == 5
    assert min(ran["asked"]) > 190_000


async def test_everything_is_asked_again_once_in_a_while(page: Page) -> None:
    """For readings that came late: after five minutes."""
    text = "SELECT sum(value) FROM m WHERE $timeFilter GROUP BY time(${__interval}), tag"
    ran = await page.evaluate(RUN, [text, None, points(60), 60])
    assert sum(span > 100_000 for span in ran["asked"]) == 2


async def test_what_was_empty_is_asked_whole_until_it_is_not(page: Page) -> None:
    """A store whose past is filled in while the panel looks on shows that past with the next answer."""
    text = "SELECT sum(value) FROM m WHERE $timeFilter GROUP BY time(${__interval}), tag fill(none)"
    late = [[at, "late", 1] for at in range(415_000, 900_000, 4_000)]
    asked = (await page.evaluate(RUN, [text, "none", late, 12]))["asked"]
    assert [span > 100_000 for span in asked] == [True] * 4 + [False] * 8
