"""docs/extending.md is true: the receiver on the page is a receiver, by one file and one line."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alerting.notify.catalog import NOTIFIERS
from alerting.notify.contract import Message, Notifier, Status, Unreachable
from alerting.notify.plugin import Deps, Plugin
from foundation import settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
MESSAGE = Message(
    incident="i1",
    receiver="written",
    status=Status.FIRING,
    severity="critical",
    group_labels={"alertname": "A"},
    alerts=(),
    decided_at=NOW,
)


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Plugin[Any]:
    """What the page's file and the page's line in the catalog make."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (line,) = re.findall(r'^    "journal": (Plugin\(.*\)),$', PAGE, re.MULTILINE)
    module = ModuleType("alerting.notify.journal")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "journal.py", "exec"), module.__dict__)  # noqa: S102 - the page's own code
    made = eval(line, {"Plugin": Plugin} | module.__dict__)  # noqa: S307 - the page's own line
    assert isinstance(made, Plugin)
    return made


async def test_the_receiver_on_the_page_works(journal: Plugin[Any], tmp_path: Path) -> None:
    """Its keys are read from the page's YAML, and what it is told stands in the file."""
    (configured,) = re.findall(r"journal: \[(\{.*\})\]", PAGE)
    config = settings.decode(journal.config, configured, name="notify.yml", folder=tmp_path, env={})
    notifier: Notifier = journal.build(config, Deps())

    await notifier.send(MESSAGE, now=NOW)
    await notifier.close()

    assert (tmp_path / "pages.log").read_text() == "2026-11-22T14:00:00+00:00 firing critical i1\n"


async def test_a_failure_of_the_receiver_on_the_page_is_tried_again(journal: Plugin[Any], tmp_path: Path) -> None:
    """A file that cannot be written now may be writable later."""
    notifier: Notifier = journal.build(journal.config(path=tmp_path), Deps())

    with pytest.raises(Unreachable, match="Is a directory"):
        await notifier.send(MESSAGE, now=NOW)


def test_the_rooms_on_the_page_are_there() -> None:
    """Every folder, catalog and suite that the table names exists, and no plugin of the page ships already."""
    for path in re.findall(r"`((?:\w+/)+(?:test_\w+\.py)?)`", PAGE):
        assert (ROOT / path).exists(), path
    for room, word in re.findall(r"\| `([\w/]+/)` \| `(\w+)`", PAGE):
        assert re.search(rf"\b{word}\b", (ROOT / room / "catalog.py").read_text()), (room, word)
    assert "journal" not in NOTIFIERS
