"""A changed tocsin.yml is taken up whole or not at all, and whoever looks is told how it stands."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from foundation.errors import ConfigError
from foundation.lifecycle import TakeUp
from foundation.standing import Standing
from tests.fakes.polling import until
from tocsin.config import Source, TocsinConfig
from tocsin.follow import Follower, FollowMetrics


@dataclass
class Roles:
    """Stands for the roles: `taken` is what they took up, `objection` what they find wrong."""

    taken: list[TocsinConfig] = field(default_factory=list)
    objection: Exception | None = None

    async def prepare(self, config: TocsinConfig) -> TakeUp:
        if self.objection is not None:
            raise self.objection

        async def take_up() -> None:
            self.taken.append(config)

        return take_up


class Followed:
    """A follower of a real file; `edit` writes it so that its stamp differs for sure."""

    def __init__(self, path: Path, *, may_lack: bool = False) -> None:
        self.path = path
        self.roles = Roles()
        self.standing = Standing()
        self.registry = CollectorRegistry()
        source = Source(path, {}, may_lack=may_lack)
        self.follower = Follower(
            source,
            source.read(),
            source.stamp(),
            self.roles.prepare,
            standing=self.standing,
            metrics=FollowMetrics(self.registry),
        )
        self._edits = 0

    def edit(self, text: str) -> None:
        self._edits += 1
        self.path.write_text(text)
        os.utime(self.path, ns=(self._edits, self._edits))

    async def settle(self) -> None:
        """Two looks: one sees that the file is another, the next that its writer is done."""
        await self.follower.look()
        await self.follower.look()

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    (tmp_path / "tocsin.yml").write_text("collector: {bad_lines: keep}")
    return Followed(tmp_path / "tocsin.yml")


async def test_a_change_is_taken_up_once(followed: Followed):
    """The new file reaches the roles, and an unchanged one is not read again."""
    followed.edit("collector: {bad_lines: reject, bucket: other}")
    for _ in range(4):
        await followed.follower.look()

    (taken,) = followed.roles.taken
    assert (taken.collector.bad_lines, taken.collector.bucket) == ("reject", "other")
    assert followed.count("tocsin_config_readings_total", outcome="taken_up") == 1


async def test_a_file_that_is_being_written_is_left_alone(followed: Followed):
    """An editor empties a file before it fills it: only a file that stood still from one look to the next is read."""
    followed.edit("")
    await followed.follower.look()
    followed.edit("collector: {bucket: other}")
    await followed.follower.look()
    assert followed.roles.taken == []

    await followed.follower.look()
    assert [config.collector.bucket for config in followed.roles.taken] == ["other"]


async def test_an_error_changes_nothing_and_is_shown_with_its_place(
    followed: Followed, caplog: pytest.LogCaptureFixture
):
    """File, line, path and the nearest name stand in the log (once) and in the standing; mended, all is well again."""
    followed.edit("collector:\n  bad_lines: rejct")
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            await followed.follower.look()

    problem = f"{followed.path}:2: collector.bad_lines: 'rejct' is not one of keep, reject; did you mean reject?"
    assert followed.standing.errors == (problem,)
    assert followed.roles.taken == []
    assert followed.count("tocsin_config_ok") == 0
    assert followed.count("tocsin_config_readings_total", outcome="refused") == 1
    assert [record.name for record in caplog.records] == ["tocsin.follow"]

    followed.edit("collector: {bad_lines: reject}")
    await followed.settle()
    assert followed.standing.errors == ()
    assert followed.count("tocsin_config_ok") == 1
    assert [config.collector.bad_lines for config in followed.roles.taken] == ["reject"]


async def test_what_a_role_objects_to_is_an_error_until_it_is_mended(followed: Followed):
    """The fault may be in a file that tocsin.yml names: it is tried again without a change of tocsin.yml itself."""
    followed.roles.objection = ConfigError("rules/shop.yml:3: no")
    followed.edit("alerting: {rules: [rules/shop.yml]}")
    await followed.settle()
    assert (followed.standing.errors, followed.roles.taken) == (("rules/shop.yml:3: no",), [])

    followed.roles.objection = None
    await followed.follower.look()
    assert followed.standing.errors == ()
    assert len(followed.roles.taken) == 1


async def test_a_surprise_does_not_end_what_runs(followed: Followed, caplog: pytest.LogCaptureFixture):
    """A fault of ours while looking is an error like any other, with its trace in the log."""
    followed.roles.objection = RuntimeError("a bug")
    followed.edit("collector: {bucket: other}")
    with caplog.at_level(logging.ERROR):
        await followed.settle()

    assert followed.standing.errors == (f"{followed.path}: cannot be taken up: a bug",)
    assert caplog.records[0].exc_info is not None


async def test_what_needs_a_restart_is_named_and_the_rest_taken_up(
    followed: Followed, caplog: pytest.LogCaptureFixture
):
    """The roles get what is fixed as it was; the keys are in one warning, in the standing and counted."""
    followed.edit("state: elsewhere\ncollector: {listen: '127.0.0.1:1', bucket: other}\n")
    with caplog.at_level(logging.WARNING):
        await followed.settle()

    (taken,) = followed.roles.taken
    assert (taken.collector.listen, taken.collector.bucket) == ("127.0.0.1:8186", "other")
    assert followed.standing.waiting == ("state", "collector.listen")
    assert followed.count("tocsin_config_restart_needed") == 2
    assert [record.message for record in caplog.records] == ["needs a restart: state, collector.listen"]

    followed.edit("collector: {bucket: other}")
    await followed.settle()
    assert followed.standing.waiting == ()
    assert followed.count("tocsin_config_restart_needed") == 0


async def test_a_file_that_vanishes_is_an_error_and_no_empty_file(tmp_path: Path):
    """./tocsin.yml may be missing at the start; but where one was, its absence must not mean the defaults."""
    followed = Followed(tmp_path / "tocsin.yml", may_lack=True)
    followed.edit("collector: {bucket: other}")
    await followed.settle()
    assert [config.collector.bucket for config in followed.roles.taken] == ["other"]

    followed.path.unlink()
    await followed.settle()
    assert len(followed.roles.taken) == 1
    assert "there is no such file" in followed.standing.errors[0]


async def test_a_hang_up_reads_at_once_even_what_did_not_change(followed: Followed):
    """SIGHUP takes up again what the file refers to; a change is seen without it."""
    hang_up = asyncio.Event()
    running = asyncio.create_task(followed.follower.run(hang_up))
    hang_up.set()
    await until(lambda: len(followed.roles.taken) == 1)
    assert not hang_up.is_set()
    followed.edit("collector: {bucket: other}")
    await until(lambda: len(followed.roles.taken) == 2, what="the change to be seen without a signal")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
