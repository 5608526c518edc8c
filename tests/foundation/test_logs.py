"""One event is one line, and no secret is in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from foundation import logs
from foundation.secret import Secret


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_event_is_one_line_with_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """Words, then key=value; text with blanks or newlines is quoted, so that a line stays a line."""
    logs.setup("text")

    logs.logger("room").info("took a batch", lines=5, source="a b\nc", token=Secret("hush"))

    line = capsys.readouterr().err
    assert line.endswith('info    room: took a batch lines=5 source="a b\\nc" token=***\n')


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Machines read one object a line, an exception with its trace inside."""
    logs.setup("json", "warning")
    try:
        int("x")
    except ValueError as error:
        logs.logger("room").error("went wrong", error=error, line=7)
    logs.logger("room").info("not shown")

    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["level"], event["room"], event["event"], event["line"]) == ("error", "room", "went wrong", "7")
    assert "ValueError: invalid literal" in event["trace"]
