"""Each thing is broken in turn, and the doctor names it and what mends it; nothing else is complained of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from collector.deliver.delivery import Standing
from collector.tokens import Scope, TokenBook
from tests.tocsin.doctor.conftest import CONFIG, REQUIRED, ROLES, Ward
from tocsin.doctor.catalog import CATALOG
from tocsin.doctor.finding import Level
from tocsin.doctor.web import Answer


def test_one_that_is_well_has_nothing_to_complain_of(ward: Ward) -> None:
    """No fault and no hint, and every check but those that nothing is configured for has looked."""
    report = ward.report()

    assert [finding for _, finding in report.findings if finding.level is not Level.FINE] == []
    assert {name for name, _ in report.findings} == {check.name for check in CATALOG} - {
        "certificate",
        "authorities",
        "apps",
    }
    assert report.ok


def test_names_are_told_apart() -> None:
    """Whoever filters by a name gets one check."""
    assert len({check.name for check in CATALOG}) == len(CATALOG)


FILES = [
    ("r.yml", "rules: [{alert: A, query: SELECT mean(x FROM m, over: 1m, warn: '> 3'}]", "rules: "),
    ("n.yml", "receivers: []\nroute: {receiver: nobody}", "notify: "),
    ("boards/b.json", '{"uid": "b", "panels": [{"title": "P", "targets": [{"query": "SELEC 1"}]}]}', "boards: "),
    ("boards/b.json", "{", "boards: "),
]


@pytest.mark.parametrize(("name", "text", "check"), FILES)
def test_a_file_with_a_fault(ward: Ward, name: str, text: str, check: str) -> None:
    """The check of its kind names it."""
    ward.write(name, text)
    fault = ward.wrong()

    assert fault.startswith(check)
    assert "`tocsin check`" in fault


def test_a_missing_file_of_receivers(ward: Ward) -> None:
    """Named with its path."""
    (ward.folder / "n.yml").unlink()

    assert ward.wrong().startswith(f"notify: {ward.folder / 'n.yml'}: ")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (", notify: n.yml", "notify: no receiver is configured"),
        (', heartbeat: {url: "http://127.0.0.1:9/SECRET"}', "heartbeat: nobody hears"),
        (", rules: [r.yml]", "rules: there is no rule"),
    ],
)
def test_what_is_left_out_is_a_hint(ward: Ward, text: str, hint: str) -> None:
    """It is no fault to run without, and worth knowing."""
    assert text in CONFIG
    ward.write("tocsin.yml", CONFIG.replace(text, ""))

    assert ward.hint().startswith(hint)


def test_a_secret_that_others_may_read(ward: Ward) -> None:
    """The command that mends it is the one to type."""
    file = ward.folder / "state" / "tokens.json"
    file.write_text('{"format": 2, "tokens": []}')
    file.chmod(0o644)

    assert ward.wrong() == (f"state folder: {file}: others may read or change it (mode 644) -> `chmod 600 {file}`")


def test_a_state_folder_of_somebody_else(ward: Ward) -> None:
    """Whoever is not its owner is told."""
    ward.machine.uid += 1

    assert ward.hint().startswith("state folder: ")


def test_a_state_folder_that_is_a_file(ward: Ward) -> None:
    """It cannot be used."""
    (ward.folder / "state").rmdir()
    ward.write("state", "")
    ward.announced = {}

    assert "state folder: " in "".join(ward.told(Level.WRONG))
    assert "is no folder" in "".join(ward.told(Level.WRONG))


def test_a_disk_that_is_almost_full(ward: Ward) -> None:
    """Less than one part in twenty is a fault; less than the buffer may take is a hint."""
    ward.machine.free = ward.machine.total // 21
    assert ward.wrong().startswith("disk: almost full")

    ward.machine.total = 10 << 30
    ward.machine.free = 3 << 30
    assert ward.hint().startswith("disk: 3.0 GiB of 10.0 GiB are free")


def test_a_port_that_somebody_else_has(ward: Ward) -> None:
    """With no collector running, its port is tried, and who has it is named."""
    ward.announced = {}
    ward.machine.ports = {1001: "nginx (process 99)"}

    assert ward.wrong() == (
        "ports: 127.0.0.1:1001, where collector is to listen, is taken by nginx (process 99)"
        " -> stop that, or change collector.listen"
    )


def test_a_process_that_is_gone(ward: Ward) -> None:
    """Its stale address is told from one that does not answer."""
    ward.machine.pids = set()
    ward.web.answers = {key: answer for key, answer in ward.web.answers.items() if key[0] != ROLES["console"]}
    assert "console: process 4711 is gone" in ward.wrong()

    ward.machine.pids = {4711}
    fault = ward.wrong()
    assert fault.startswith("processes: console: http://127.0.0.1:1003 does not answer")


def test_nothing_runs(ward: Ward) -> None:
    """It is said once, what can be seen without is looked at, and the rest is named."""
    ward.announced = {}

    assert ward.hint().startswith("processes: nothing runs on ")
    report = ward.report()
    assert ("probe", "no collector runs") in report.skipped
    assert ("receivers", "no alerting runs") in report.skipped
    assert {"rules", "boards", "disk", "ports", "tokens"} <= {name for name, _ in report.findings}
    assert ward.web.asked == []


def test_a_collector_that_does_not_answer_is_complained_of_once(ward: Ward) -> None:
    """Checks that would ask it are left out."""
    ward.web.answers = {key: answer for key, answer in ward.web.answers.items() if key[0] != ROLES["collector"]}

    assert ward.wrong().startswith("processes: collector: ")
    assert {"collector", "probe", "query"} <= {name for name, _ in ward.report().skipped}


def book(ward: Ward) -> TokenBook:
    return TokenBook(ward.folder / "state" / "tokens.json", ward.clock)


def test_tokens_that_nobody_has(ward: Ward) -> None:
    """Nobody can write: that is a fault, and the command that makes one is named."""
    ward.write("tocsin.yml", REQUIRED)
    assert (
        ward.wrong() == "tokens: tokens are required, and nobody has one that may write -> `tocsin token create NAME`"
    )


def test_tokens_that_expire(ward: Ward) -> None:
    """A hint a week before, a fault after."""
    ward.write("tocsin.yml", REQUIRED)
    ward.answer("collector", "/api/v1/ledger", {"buckets": [{"sources": {"token:d7": {}, "token:d8": {}}}]})
    for name, days in (("d7", 3), ("d8", 99)):
        _ = book(ward).create(name, frozenset({Scope.WRITE}), lasts=timedelta(days=days))
    assert ward.hint().startswith("tokens: the token of d7 expires at 2026-01-04 00:00 UTC")

    ward.clock.advance(timedelta(days=4))
    assert ward.wrong().startswith(
        "tokens: the token of d7 expired at 2026-01-04 00:00 UTC -> `tocsin token revoke d7`"
    )


def test_a_token_that_nobody_used(ward: Ward) -> None:
    """By the ledger's sources; the token itself is never shown."""
    ward.write("tocsin.yml", REQUIRED)
    ward.answer("collector", "/api/v1/ledger", {"buckets": [{"sources": {"token:d7": {}}}]})
    tokens = [book(ward).create(name, frozenset({Scope.WRITE})).reveal() for name in ("d7", "d8")]

    assert ward.hint().startswith("tokens: never used since the collector started: d8")
    assert not any(token in str(ward.report()) for token in tokens)


@pytest.mark.parametrize(("off_s", "level"), [(2, Level.FINE), (6, Level.HINT), (30, Level.WRONG), (-30, Level.WRONG)])
def test_clocks_that_differ(ward: Ward, off_s: int, level: Level) -> None:
    """Two seconds are none, more than ten a fault, whichever is ahead."""
    date = format_datetime(ward.clock.now() + timedelta(seconds=off_s), usegmt=True)
    ward.answer("collector", "/ping", Answer(204, {"date": date}))

    [found] = [finding for name, finding in ward.report().findings if name == "clock"]
    assert found.level is level


def ready(**changed: Any) -> dict[str, Any]:
    standing = Standing("archive", required=True, buffered_lines=7, buffer_age_s=1.0)
    destinations = [asdict(standing) | changed]
    return {"status": "ready", "buffered_lines": 0, "buffer_age_s": 0.0, "destinations": destinations}


def test_a_destination_that_lacks_what_it_had(ward: Ward) -> None:
    """Lines that neither it nor the buffer has are wrong, though it takes what it is sent."""
    ward.answer("collector", "/ready", ready(lacks=["bucket a lacks 9 lines"]))

    assert ward.wrong() == (
        "destinations: archive: bucket a lacks 9 lines -> see what the log says of it, and docs/backup.md"
    )


def test_a_destination_that_waits(ward: Ward) -> None:
    """Its reason decides what mends it."""
    ward.answer("collector", "/ready", ready(waits_for=["bucket_missing"]))

    assert ward.wrong() == (
        "destinations: archive: 7 lines wait for it: bucket_missing"
        " -> make the bucket there, or mend `bucket` or `buckets`"
    )


def test_a_collector_that_accepts_nothing(ward: Ward) -> None:
    """503 with its reason is an answer."""
    body = json.dumps(ready() | {"status": "the buffer is full"}).encode()
    ward.answer("collector", "/ready", Answer(503, {}, body))

    assert ward.wrong().startswith("collector: accepts nothing: the buffer is full")


@pytest.mark.parametrize(("age_s", "level"), [(59.0, Level.FINE), (61.0, Level.HINT), (601.0, Level.WRONG)])
def test_a_buffer_that_grows_old(ward: Ward, age_s: float, level: Level) -> None:
    """A minute is worth a word, ten are a fault."""
    ward.answer("collector", "/ready", ready() | {"buffered_lines": 3, "buffer_age_s": age_s})

    [found] = [finding for name, finding in ward.report().findings if name == "collector"]
    assert found.level is level


def test_a_query_that_fails(ward: Ward) -> None:
    """The store's own words are passed on, and a reading cannot come out either."""
    ward.machine.on_pause = lambda seconds: ward.clock.advance(timedelta(seconds=seconds))
    ward.answer("collector", "/query", {"results": [{"statement_id": 0, "error": "no such file"}]})
    faults = ward.told(Level.WRONG)

    assert [fault.split(":")[0] for fault in faults] == ["query", "probe"]
    assert "no such file" in faults[0]


def test_a_panel_whose_query_fails(ward: Ward) -> None:
    """By board and title, in the store's own words; the same query is asked once for all its panels."""
    asked: list[str] = []

    def answer(params: dict[str, list[str]]) -> Any:
        [text] = params["q"]
        asked.append(text)
        if "word" in text:
            return {"results": [{"statement_id": 0, "error": "sum() of a string"}]}
        return {"results": [{"statement_id": 0, "series": [{"name": "m", "columns": ["time"], "values": [[1]]}]}]}

    query = "SELECT sum(word) FROM m WHERE $timeFilter AND a =~ /^${a:regex}$/ GROUP BY time(${__interval})"
    panel = {"title": "Broken", "targets": [{"query": query}]}
    board = {"uid": "c", "title": "C", "panels": [panel, {"title": "Row", "type": "row", "panels": [panel]}]}
    ward.write("boards/c.json", json.dumps(board))
    ward.answer("collector", "/query", answer)
    faults = ward.told(Level.WRONG)

    assert [fault.split(" -> ")[0] for fault in faults] == ["board data: C, panel 'Broken': sum() of a string"] * 2
    [text] = [text for text in asked if "word" in text]
    assert text.endswith("AND a =~ /^.*$/ GROUP BY time(60s)")


def test_a_board_without_data(ward: Ward) -> None:
    """It is named with what would fill it; it is no fault."""
    ward.write("boards/c.json", '{"uid": "c", "title": "C", "panels": [{"targets": [{"query": "SELECT y FROM n"}]}]}')
    series = [{"name": "m", "columns": ["time", "value"], "values": [[1, 1]]}]

    def answer(params: dict[str, list[str]]) -> Any:
        return {"results": [{"statement_id": 0} | ({} if "FROM n" in params["q"][0] else {"series": series})]}

    ward.answer("collector", "/query", answer)
    assert ward.hint().startswith("board data: nothing to show in the last 15 min: C")


def test_a_reading_that_does_not_come_out(ward: Ward) -> None:
    """The probe ends at its deadline, and says where to look."""
    ward.machine.on_pause = lambda seconds: ward.clock.advance(timedelta(seconds=seconds))
    started = ward.clock.monotonic()
    ward.answer("collector", "/query", {"results": [{"statement_id": 0}]})

    fault = ward.wrong()
    assert fault.startswith("probe: a reading was acknowledged and did not come out of /query within 20 s")
    assert 20 <= ward.clock.monotonic() - started < 21


def test_a_reading_that_is_refused(ward: Ward) -> None:
    """With the collector's words."""
    ward.answer("collector", "/api/v2/write", Answer(429, {}, b'{"message": "too many series"}'))

    assert ward.wrong().startswith("probe: a reading was not taken: too many series (HTTP 429)")


def test_the_probe_is_all_that_is_written(ward: Ward) -> None:
    """One request with a body, to a measurement of its own; beside it, a silence that is none is to end."""
    _ = ward.report()
    [(method, url, _, body), *others] = [asked for asked in ward.web.asked if asked[0] != "GET"]
    assert [asked[:2] for asked in others] == [("DELETE", "http://127.0.0.1:1002/api/v1/silences/doctor")]

    assert (method, url.partition("?")[0]) == ("POST", "http://127.0.0.1:1001/api/v2/write")
    assert body is not None
    assert body.startswith(b"tocsin_probe,by=doctor value=1i ")


def test_dead_letters_lately(ward: Ward) -> None:
    """How many, and the commonest reason."""
    letters = [{"kind": kind, "reason": "words"} for kind in ("syntax", "type_conflict", "type_conflict")]
    ward.answer("collector", "/api/v1/dead/count", {"letters": 3, "last": 9})
    ward.answer("collector", "/api/v1/dead", {"letters": letters})

    hint = ward.hint()
    assert hint.startswith("dead letters: 3 in the last 24 h; of the first 3 most often (2): type_conflict")
    assert "tocsin dead replay" in hint


def rules(**changed: Any) -> dict[str, Any]:
    rule = {"name": "Slow", "file": "r.yml", "health": "ok", "error": None, "series": 2}
    return {"rules": [rule | changed]}


def test_rules_that_are_blind_or_without_data(ward: Ward) -> None:
    """A failing query is a fault, an empty answer a hint."""
    ward.answer("alerting", "/api/v1/rules", rules(health="blind", error="no field x"))
    assert ward.wrong() == "evaluation: rule Slow is blind: no field x -> mend its query in r.yml"

    ward.answer("alerting", "/api/v1/rules", rules(series=0))
    assert ward.hint().startswith("evaluation: 1 of 1 rules find no data: Slow")


def test_a_configuration_that_was_not_taken_up(ward: Ward) -> None:
    """The last good one is in force."""
    status = {"config": {"errors": ["r.yml: bad"], "restart_needed": []}, "receivers": []}
    ward.answer("alerting", "/api/v1/status", status)

    assert ward.wrong().startswith("evaluation: the last good configuration is in force, for: r.yml: bad")


MESSAGE = {"receiver": "a", "notifier": "slack[0]", "decided_at": "2026-01-01T00:00:00Z", "age_s": 5.0}


def failed(ward: Ward) -> None:
    lists: dict[str, Any] = {"pending": [], "failed": [MESSAGE | {"last_error": "404 no_team"}]}
    ward.answer("alerting", "/api/v1/notifications", lists)


def pending(ward: Ward) -> None:
    lists: dict[str, Any] = {"pending": [MESSAGE | {"last_error": "timed out"}], "failed": []}
    ward.answer("alerting", "/api/v1/notifications", lists)


def open_circuit(ward: Ward) -> None:
    text = b'tocsin_alerting_circuit_open{notifier="slack[0]",receiver="a"} 1.0\n'
    ward.answer("alerting", "/metrics", Answer(200, {}, text))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (failed, "a: slack[0] refused a message for good: 404 no_team"),
        (pending, "a: slack[0] has not taken a message for 5 s: timed out"),
        (open_circuit, "a: slack[0] failed so often"),
    ],
)
def test_a_receiver_that_fails(ward: Ward, damage: Callable[[Ward], None], words: str) -> None:
    """Who, by which way, and its words."""
    damage(ward)
    assert ward.wrong().startswith(f"receivers: {words}")


def silence(ends_at: str, alerts: int) -> dict[str, Any]:
    one = {"id": "4f1c", "phase": "active", "matchers": ['a="b"'], "author": "ann", "comment": "moving"}
    return {"silences": [one | {"ends_at": ends_at, "alerts": alerts}]}


def test_silences_that_end_soon_or_match_nothing(ward: Ward) -> None:
    """Each with the command that prolongs or ends it."""
    ward.answer("alerting", "/api/v1/silences", silence("2026-01-01T00:30:00Z", 2))
    hint = ward.hint()
    assert """4f1c (a="b", ann: moving) ends in 30 min; 2 open alerts page then""" in hint
    assert """`tocsin silence add 'a="b"' --for 2h --comment WHY --change 4f1c`""" in hint

    ward.answer("alerting", "/api/v1/silences", silence("2026-01-02T00:00:00Z", 0))
    assert "`tocsin silence expire 4f1c`" in ward.hint()


def test_versions_that_do_not_fit(ward: Ward) -> None:
    """An old Python, a package that is missing or too old, a machine without wheels."""
    ward.machine.installed = {"aiohttp": ("3.14", "3.9.1"), "isal": ("1.9", "")}
    assert ward.wrong().startswith(
        "versions: packages do not fit: aiohttp 3.9.1 (needs 3.14), isal is missing (needs 1.9)"
    )

    ward.machine.installed = {"tzdata": ("2026.1", "2026.1.0"), "duckdb": ("2.0", "2")}
    ward.machine.version = (3, 10)
    assert ward.wrong().startswith("versions: Python 3.10 is too old")

    ward.machine.version = (3, 11)
    ward.machine.system = "freebsd amd64"
    assert ward.hint().startswith("versions: freebsd amd64: packages may have to be built")


def test_somebody_else_who_answers(ward: Ward) -> None:
    """What is not ours is told as a fault, and hides no other check."""
    ward.answer("collector", "/ready", Answer(200, {}, b"<html>"))
    faults = ward.told(Level.WRONG)

    assert {fault.split(":")[0] for fault in faults} == {"collector", "destinations"}
    assert "does not answer in JSON" in faults[0]
    assert "probe" in {name for name, _ in ward.report().findings}


def test_a_token_that_is_not_let_in(ward: Ward) -> None:
    """Whoever may not look is told how he may."""
    ward.answer("collector", "/api/v1/dead/count", Answer(401, {}, b'{"message": "no token"}'))

    fault = ward.wrong()
    assert fault.startswith("dead letters: http://127.0.0.1:1001/api/v1/dead/count: no token (HTTP 401)")
    assert "the user who owns the state folder" in fault
