"""Transforms and checks over HTTP: a policy is a success, a refusal is answered, and all is counted."""

from pathlib import Path

import aiohttp

from collector.check.catalog import ChecksConfig
from collector.check.required_tags import RequiredTagsConfig
from collector.transform.drop import DropConfig
from collector.transform.rename import RenameConfig
from tests.collector.test_app import QUIET, Running
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore


async def test_policies_and_rules_are_answered_and_counted(tmp_path: Path):
    """204 though a line was dropped; 422 for the line without its tag, with the rest stored under the new name."""
    store = MemoryStore("embedded")
    running = Running(
        tmp_path,
        store,
        **QUIET,
        transforms=(DropConfig(measurement="debug"), RenameConfig(measurement="cpu", to="processor")),
        checks=ChecksConfig(required_tags=RequiredTagsConfig(measurements={"processor": ("host",)})),
    )
    await running.start()
    try:
        assert await running.write("debug f=1 1\ncpu,host=a f=1 1\n") == 204
        assert await running.write("debug f=1 1\n") == 204
        assert await running.write("cpu f=1 2\ncpu,host=b f=1 3\n") == 422
        await until(lambda: len(store.lines.get("telemetry", ())) == 2)
        assert sorted(store.lines["telemetry"]) == [b"processor,host=a f=1 1", b"processor,host=b f=1 3"]
        async with aiohttp.ClientSession() as session, session.get(f"{running.url}/metrics") as answer:
            shown = await answer.text()
    finally:
        await running.role.stop()
    for sample in (
        'tocsin_received_lines_total{bucket="telemetry"} 5.0',
        'tocsin_accepted_lines_total{bucket="telemetry"} 2.0',
        'tocsin_taken_out_lines_total{bucket="telemetry",policy="drop"} 2.0',
        'tocsin_rejected_lines_total{bucket="telemetry",reason="required_tag"} 1.0',
        'tocsin_altered_lines_total{bucket="telemetry",reason="rename"} 2.0',
    ):
        assert sample in shown
