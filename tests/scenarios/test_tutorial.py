"""docs/tutorial.md, followed to the letter: its files, its commands in their order, and a chat that hears."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin
from tests.fakes.slack import FakeSlack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
FILES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
UP = COMMANDS.index("tocsin up")
BEFORE, AFTER = COMMANDS[:UP], COMMANDS[UP + 1 :]
COOL = "device_reading,device=oven-1,kind=oven temperature_c=200"


class Reader:
    """Somebody who types in what the page says."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.running: Running | None = None
        self.alert = "ID"

    async def type_in(self, command: str) -> str:
        """What a command prints; it has to succeed."""
        if self.running is not None:
            command = command.replace("127.0.0.1:8186", self.running.listening()["collector"])
        command = re.sub(r"\bID\b", self.alert, command)
        process = await asyncio.create_subprocess_shell(
            re.sub("^tocsin", f"{shlex.quote(sys.executable)} -m tocsin", command),
            cwd=self.folder,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, f"{command}\n{output.decode()}"
        return output.decode()


async def test_whoever_follows_the_page_is_called_and_hears_the_end(tmp_path: Path) -> None:
    """The rule is proven, the message previewed; a hot oven is told, explained, taken and silenced; the end is told."""
    assert set(FILES) == {"rules.yml", "rules_test.yml", "notify.yml", "tocsin.yml"}
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    async with FakeSlack() as chat:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TOCSIN_STATE": str(tmp_path / "var"),
            "COLUMNS": "160",
            "USER": "ann",
            "SLACK_WEBHOOK": chat.url,
        }
        reader = Reader(tmp_path, environment)
        printed = [await reader.type_in(command) for command in BEFORE]
        assert "oven-1" in printed[-1] or "OvenHot" in printed[-1]
        reader.running = start(tocsin("up"), tmp_path / "var", env={"SLACK_WEBHOOK": chat.url}, cwd=tmp_path)
        try:
            await reader.running.ready("collector", "alerting", "console")
            await through(reader, chat)
        finally:
            reader.running.end()


async def through(reader: Reader, chat: FakeSlack) -> None:
    """The commands beside the running stack, and what is heard at each."""

    async def heard(words: str) -> None:
        await until(lambda: words in str(chat.messages), seconds=90, what=f"{words} in the chat")

    push, query, hot, listing, *rest = AFTER
    assert "204" in await reader.type_in(push)
    assert "200.5" in await reader.type_in(query)
    assert "204" in await reader.type_in(hot)
    await heard("oven-1 has 261")
    found = re.search(r"\b[0-9a-f]{6,}\b", await reader.type_in(listing))
    assert found is not None
    reader.alert = found[0]
    explained, taken, silenced, silences = [await reader.type_in(command) for command in rest]
    assert "261" in explained
    assert "bakers" in explained
    assert "ann" in taken
    await heard("opening the door")
    assert silenced
    assert "the fitter is here" in silences
    assert reader.running is not None
    url = f"http://{reader.running.listening()['collector']}/write?db=telemetry"
    await reader.type_in(f"curl -sS -f {shlex.quote(url)} --data-binary {shlex.quote(COOL)}")
    await heard("RESOLVED")
