"""Exit codes, output and complaints of the commands that need no server."""

from __future__ import annotations

import json
import os
from pathlib import Path

from argon2 import PasswordHasher

from demo import faults
from foundation import listen
from tests.tocsin.conftest import Run
from tocsin.tokens import open_book

RULE = 'rules: [{alert: A, query: SELECT mean(x) FROM m, over: 1m, every: 1m, warn: "> 3"}]\n'
CASE = """\
rule_files: [r.yml]
tests:
  - interval: 1m
    input_series: [{series: m x, values: 5 5 5}]
    alert_rule_test:
      - {eval_time: 2m, alertname: A, exp_alerts: []}
"""


def test_a_token_is_shown_once_and_works_until_it_is_revoked(run: Run, state: Path) -> None:
    """`create` prints the token alone, for $(...); `list` never shows it again."""
    state.mkdir()
    token = run("token", "create", "gateway").out.strip()
    assert open_book(state).verify(token) is not None

    listed = run("token", "list")
    assert "gateway" in listed.out
    assert token not in listed.out

    assert run("token", "revoke", "gateway").code == 0
    assert open_book(state).verify(token) is None


def test_tokens_as_json(run: Run, state: Path) -> None:
    """A program reads name and token, and what there is with its scopes."""
    state.mkdir()
    made = json.loads(run("token", "--json", "create", "probe", "--scope", "read", "--bucket", "telemetry").out)
    (listed,) = json.loads(run("token", "--json", "list").out)["tokens"]

    assert made["name"] == "probe"
    assert {key: listed[key] for key in ("name", "scopes", "buckets")} == {
        "name": "probe",
        "scopes": ["read"],
        "buckets": ["telemetry"],
    }


def test_a_name_that_is_taken_or_unknown_is_a_no(run: Run, state: Path) -> None:
    """Exit 1: the command ran, and the answer is no."""
    state.mkdir()
    run("token", "create", "gateway")

    assert run("token", "create", "gateway").code == 1
    assert run("token", "revoke", "gatway").code == 1


def test_secrets_are_readable_by_other_users_of_the_volume_and_never_made_twice(run: Run, state: Path) -> None:
    """Grafana and InfluxDB run as users of their own; a second start changes nothing; a lost token is made anew."""
    state.mkdir()
    into = state.parent / "secrets"
    make = ("secrets", "make", "--into", str(into), "--state", str(state))
    assert run(*make).code == 0
    before = {path.name: path.read_text() for path in into.iterdir()}
    assert {path.stat().st_mode & 0o777 for path in into.iterdir()} == {0o444}

    (into / "push_token").unlink()
    assert run(*make).code == 0
    after = {path.name: path.read_text() for path in into.iterdir()}

    assert {name for name in before if before[name] != after[name]} == {"push_token"}
    assert open_book(state).verify(after["push_token"]) is not None
    assert open_book(state).verify(before["push_token"]) is None


def test_the_hash_of_the_console_s_password_follows_it(run: Run, state: Path) -> None:
    """Where the password alone was deleted, or another was put there by hand, it is the one that lets in."""
    state.mkdir()
    into = state.parent / "secrets"
    make = ("secrets", "make", "--into", str(into), "--state", str(state))
    assert run(*make).code == 0
    for mend in (lambda file: file.unlink(), lambda file: file.with_name("new").rename(file)):
        (into / "new").write_text("correct horse battery")
        mend(into / "console_password")
        assert run(*make).code == 0
        password, hashed = ((into / name).read_text() for name in ("console_password", "console_password_hash"))
        assert PasswordHasher().verify(hashed, password)
    assert password == "correct horse battery"


def test_secrets_that_are_not_there_are_told(run: Run) -> None:
    """`show` before the first start says what to do."""
    ran = run("secrets", "show", "--into", "nowhere")

    assert ran.code == 2
    assert "start the stack once" in ran.complaint


def test_health_says_no_where_nobody_answers(run: Run) -> None:
    """Exit 1 for a health check, with the reason; 2 for what is no URL."""
    assert run("health", "http://127.0.0.1:1/ready").code == 1
    ran = run("health", "127.0.0.1:8186")
    assert (ran.code, ran.complaint) == (2, "tocsin: '127.0.0.1:8186' is not a URL; write http://HOST:PORT/PATH\n")


def test_a_fault_needs_a_demo(run: Run) -> None:
    """Without a running demo the command says how to start one."""
    ran = run("demo", "fault", "latency")

    assert ran.code == 2
    assert "no demo runs on" in ran.complaint
    assert "make run" in ran.complaint


def test_a_fault_reaches_the_demo_and_is_taken_back(run: Run, state: Path) -> None:
    """The running demo reads what was commanded; `none` mends it."""
    listen.announce(state, {"demo": "127.0.0.1:1"}, os.getpid())

    assert run("demo", "fault", "errors", "--for", "90s").code == 0
    assert set(faults.read(state).until) == {faults.Kind.ERRORS}
    assert run("demo", "fault", "none").code == 0
    assert not faults.read(state).until


def test_a_fault_needs_a_duration(run: Run, state: Path) -> None:
    """A duration without a unit is told, and nothing breaks."""
    listen.announce(state, {"demo": "127.0.0.1:1"}, os.getpid())

    ran = run("demo", "fault", "errors", "--for", "90")

    assert ran.code == 2
    assert "'90' is not a duration" in ran.complaint
    assert not faults.read(state).until


def test_a_rule_test_that_fails_is_a_no(run: Run, state: Path) -> None:
    """Exit 1, and JSON that names the check; 2 for a file that cannot be read."""
    (state.parent / "r.yml").write_text(RULE)
    (state.parent / "t.yml").write_text(CASE)

    ran = run("rule", "test", "t.yml", "--json")

    assert ran.code == 1
    assert json.loads(ran.out)["passed"] is False
    assert run("rule", "test", "nope.yml").code == 2


def test_a_file_that_cannot_be_written_is_told_without_a_trace(run: Run, state: Path) -> None:
    """The state folder is a file: one line, naming it, and exit 2."""
    state.write_text("in the way")

    ran = run("up")

    assert ran.code == 2
    assert ran.complaint.count("\n") == 1
    assert f"{state}: the state folder cannot be written to" in ran.complaint


def test_a_preview_of_the_demos_rule(run: Run) -> None:
    """What its pager and its Slack would get; a rule that does not exist is exit 2, a value that is fine is exit 1."""
    shown = run("rule", "preview", "FeatureSlow", "--demo", "--label", "endpoint=/pay", "--value", "1500")
    assert shown.code == 0
    assert "--- on-call: pagerduty" in shown.out
    assert "p95 of /pay is 1.5 s" in shown.out
    assert run("rule", "preview", "FeatureSlow", "--demo", "--value", "1").code == 1
    assert run("rule", "preview", "FeatureSlo", "--demo").code == 2
    assert run("rule", "preview", "FeatureSlow", "--demo", "--label", "endpoint").code == 2
