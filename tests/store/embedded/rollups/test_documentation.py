"""docs/rollups.md: its configuration is read, its example answered as it says, its error worded so."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from foundation.errors import ConfigError
from foundation.settings import decode
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import EPOCH, ManualClock
from tests.fakes.shipping import Log
from tocsin.config import TocsinConfig

PAGE = Path(__file__).parents[4] / "docs" / "rollups.md"


def block(kind: str) -> str:
    """The page's one block of that kind."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


def config() -> EmbeddedConfig:
    store = decode(TocsinConfig, block("yaml"), name="page", folder=PAGE.parent, env={}).store
    assert isinstance(store, EmbeddedConfig)
    return store


def lines() -> Iterator[bytes]:
    for text in block("lines").splitlines():
        line, _, moment = text.rpartition(" ")
        yield b"%s %d\n" % (line.encode(), (datetime.fromisoformat(moment) - EPOCH).total_seconds() * 10**9)


async def test_the_example_is_answered(tmp_path: Path) -> None:
    """The lines of the page, rolled as its configuration says, are answered as the page shows."""
    store = EmbeddedStore(config(), state=tmp_path, clock=ManualClock(datetime(2026, 1, 1, 10, 2, tzinfo=UTC)))
    await store.open()
    try:
        await Log(store).put(b"".join(lines()))
        await store.roll()
        (result,) = await store.query("SELECT * FROM http_request", "history")
        (series,) = result.series
        head, *rows = [row.split() for row in block("answer").splitlines()]
        assert series.columns == tuple(head)
        shown = [[f"{datetime.fromtimestamp(int(str(row[0])) / 1e9, UTC):%FT%TZ}", *row[1:]] for row in series.values]
        assert [[f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row] for row in shown] == rows
    finally:
        await store.close()


def test_the_error_is_worded_as_shown() -> None:
    """With its file, its line and its place."""
    wrong = block("yaml").replace("sum(error)", "meen(error)")
    with pytest.raises(ConfigError) as caught:
        decode(TocsinConfig, wrong, name="tocsin.yml", folder=PAGE.parent, env={})
    assert str(caught.value) in PAGE.read_text()
