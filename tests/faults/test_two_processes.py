"""Two collectors on one state folder: the second ends and says who was first; the first never notices."""

import asyncio
from pathlib import Path

from tests.fakes.polling import until
from tests.fakes.process import get_json, start, tocsin

CONFIG = "collector: {tokens: open, host: {enabled: false}, health: {enabled: false}}\n"


async def test_the_second_process_refuses_to_start(tmp_path: Path):
    """It exits with an error that names the process in its way; the address of the first stays announced."""
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG)
    command = tocsin("collector", "--config", str(config))
    first = start(command, tmp_path / "state")
    second = first
    try:
        await first.ready("collector")
        announced = first.listening()
        second = start(command, tmp_path / "state")
        await until(lambda: second.process.poll() is not None, seconds=50, what="the end of the second process")

        assert second.process.returncode != 0
        assert str(first.process.pid) in first.log.read_text()
        assert first.listening() == announced
        ready = await asyncio.to_thread(get_json, f"{first.url('collector')}/ready")
        assert isinstance(ready, dict)
        assert ready["status"] == "ready"
    finally:
        second.end()
        first.end()
