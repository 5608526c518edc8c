"""`tocsin check`: what is wrong, where, and how to mend it; as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.authority import Authority
from tests.tocsin.conftest import Run

RULE = 'rules: [{alert: A, query: SELECT mean(x) FROM m, over: 1m, warn: "> 3"}]\n'
NOTIFY = "receivers: [{name: a, slack: [{webhook: 'http://127.0.0.1:1/x'}]}]\nroute: {receiver: a}\n"
QUERY = "SELECT mean(x) FROM m WHERE $timeFilter AND h =~ /^${host:regex}$/ GROUP BY time(${__interval}), $tag"
BOARD = json.dumps({"uid": "b", "title": "B", "panels": [{"title": "P", "targets": [{"query": QUERY}]}]})


@pytest.fixture
def files(state: Path) -> Path:
    """A configuration with one of everything, and nothing wrong."""
    folder = state.parent
    (folder / "boards").mkdir()
    (folder / "tocsin.yml").write_text("alerting: {rules: [r.yml], notify: n.yml}\nconsole: {boards: boards}\n")
    (folder / "r.yml").write_text(RULE)
    (folder / "n.yml").write_text(NOTIFY)
    (folder / "boards" / "b.json").write_text(BOARD)
    return folder


def test_files_without_fault_are_counted(run: Run, files: Path) -> None:
    """Exit 0, and what was read."""
    ran = run("check")

    assert (ran.code, ran.out, ran.complaint) == (0, "fine: 1 rule, 1 receiver, 1 board\n", "")


SERVER = "{kind: influxdb, url: 'https://archive:8086', org: o, token: t%s}"
DESTINATION = "{name: %s, store: %s}"


def destinations(*names: str, more: str = "") -> str:
    """A tocsin.yml with these beside an embedded store."""
    listed = ", ".join(DESTINATION % (name, SERVER % more) for name in names)
    return f"collector: {{destinations: [{listed}]}}"


def test_destinations_are_counted_and_not_asked(run: Run, files: Path) -> None:
    """Whether a server is there now is no matter: it may come later."""
    (files / "tocsin.yml").write_text(destinations("archive", "lab"))

    assert "2 destinations" in run("check").out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            destinations("archive", "archive"),
            "tocsin.yml:1: collector: destinations: name 'archive' is given to two; each needs its own",
        ),
        (
            destinations("embedded"),
            "tocsin.yml:1: collector.destinations: name 'embedded' is that of the store itself; give it another",
        ),
        (
            destinations("a/b"),
            "tocsin.yml:1: collector.destinations[0]: name is 1 to 64 letters, digits, `_`, `-` or `.`, not 'a/b'",
        ),
        (
            destinations("archive").replace("influxdb", "embedded"),
            "tocsin.yml:1: collector.destinations[0].store.kind: 'embedded' is not one of influxdb",
        ),
        (destinations("archive", more=", ca_file: none.pem"), "none.pem: holds no certificates that can be read"),
    ],
)
def test_faults_of_destinations_are_found(run: Run, files: Path, text: str, problem: str) -> None:
    """Names that cannot be told apart, a kind that cannot be one, certificates that are not there."""
    (files / "tocsin.yml").write_text(text)
    ran = run("check")

    assert ran.code == 2
    assert problem in ran.complaint


def test_nothing_is_written(run: Run, files: Path) -> None:
    """To check is not to start: no state folder comes into being."""
    before = sorted(files.rglob("*"))
    run("check")

    assert sorted(files.rglob("*")) == before


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("tocsin.yml", "colector: {}", "tocsin.yml:1: unknown key 'colector'; did you mean collector?"),
        (
            "tocsin.yml",
            "store: {kind: influx}",
            "tocsin.yml:1: store.kind: 'influx' is not known; did you mean influxdb?",
        ),
        ("tocsin.yml", "alerting: {rules: [no.yml]}", "no.yml: there is no such file; make it, or mend the path"),
        ("r.yml", "rules:\n- {alrt: A}", "r.yml:2: rules[0]: unknown key 'alrt'; did you mean alert?"),
        (
            "n.yml",
            NOTIFY.replace("receiver: a", "receiver: b"),
            "n.yml:2: route.receiver: 'b' is not a receiver; known here: a",
        ),
        (
            "boards/b.json",
            "{}",
            'boards/b.json: is not a dashboard in Grafana\'s classic schema: it has no list "panels"',
        ),
    ],
)
def test_a_fault_is_told_with_its_place(run: Run, files: Path, file: str, text: str, problem: str) -> None:
    """Exit 2; each problem on a line of its own, whichever file it is in."""
    (files / file).write_text(text)

    ran = run("check")

    assert (ran.code, ran.complaint, ran.out) == (2, f"{problem}\n", "1 problem\n")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("SELECT meen(x) FROM m WHERE $timeFilter", "undefined function meen()"),
        ("SELEC mean(x) FROM m", "found SELEC, expected SELECT"),
        ("SELECT x FROM m WHERE $timeFilter GROUP BY time($__interval)", "at least one aggregate function"),
    ],
)
def test_a_panel_that_asks_what_cannot_be_answered_is_named(run: Run, files: Path, query: str, fault: str) -> None:
    """The embedded store's own verdict on a query, before a panel stays empty; another store's is its own to give."""
    (files / "boards" / "b.json").write_text(
        json.dumps({"uid": "b", "panels": [{"title": "P", "targets": [{"query": query}]}]})
    )

    ran = run("check")

    assert ran.code == 2
    assert ran.complaint.startswith("boards: board 'b': panel 'P': ")
    assert fault in ran.complaint

    with (files / "tocsin.yml").open("a") as file:
        file.write("store: {kind: influxdb, url: 'http://127.0.0.1:1', org: o, token: t}\n")
    assert run("check").code == 0


def test_a_rule_that_asks_what_cannot_be_answered_is_named(run: Run, files: Path) -> None:
    """A rule with a misspelt function would be blind for ever; the check names file, alert and fault."""
    (files / "r.yml").write_text(RULE.replace("mean(", "meen("))

    ran = run("check")

    assert (ran.code, ran.complaint) == (2, "r.yml: alert A: query: undefined function meen()\n")


def test_problems_as_json(run: Run, files: Path) -> None:
    """A program reads whether all is well, each problem, and what could be read."""
    (files / "n.yml").write_text("receivers: []\n")

    ran = run("check", "--json")

    assert ran.code == 2
    assert json.loads(ran.out) == {
        "ok": False,
        "problems": ["n.yml:1: route is missing; expected a mapping"],
        "warnings": [],
        "found": ["1 rule", "1 board"],
    }


def test_the_demo_s_files_are_without_fault(run: Run) -> None:
    """What ships is what `tocsin up --demo` reads."""
    ran = run("check", "--demo")

    assert (ran.code, ran.complaint) == (0, "")


def test_a_configuration_that_is_named_and_missing_is_an_error(run: Run) -> None:
    """Only the default file may be absent."""
    assert run("check").code == 0
    ran = run("check", "--config", "nope.yml")

    assert (ran.code, ran.complaint) == (2, "nope.yml: there is no such file; make it, or mend the path\n")


def test_tokens_open_to_strangers_are_a_fault(run: Run, files: Path) -> None:
    """Found before a start finds it, with what to write instead."""
    (files / "tocsin.yml").write_text("collector: {tokens: open, listen: '0.0.0.0:8186'}\nconsole: {boards: boards}\n")
    problem = (
        "collector.tokens: open, but collector.listen is 0.0.0.0:8186, which others can reach; "
        "write tokens: required and make tokens with `tocsin token create`, or listen on 127.0.0.1\n"
    )

    ran = run("check")

    assert (ran.code, ran.complaint) == (2, problem)


def test_a_certificate_that_nobody_can_read_is_a_fault(run: Run, files: Path) -> None:
    """With its setting, its file and the mend; one that is fine is counted."""
    pair = Authority(files / "pki").issue("collector")
    tls = f"collector: {{tls: {{certificate: {pair.certificate}, key: pki/KEY}}}}\nconsole: {{boards: boards}}\n"
    (files / "tocsin.yml").write_text(tls.replace("KEY", "collector.key"))
    assert run("check").out == "fine: 1 certificate, 0 rules, 1 board\n"
    (files / "tocsin.yml").write_text(tls.replace("KEY", "none.key"))

    ran = run("check")

    problem = "collector.tls.key: pki/none.key: cannot be read: No such file or directory; mend the path or its rights"
    assert (ran.code, ran.complaint) == (2, f"{problem}\n")


def test_a_rule_that_can_never_fire_is_a_problem_with_its_place(run: Run, files: Path) -> None:
    """Exit 2: it can be read, a start would take it, and it would page nobody for ever."""
    (files / "r.yml").write_text('rules:\n- {alert: A, query: SELECT count(x) FROM m, over: 1m, warn: "< 0"}\n')

    ran = run("check")

    assert (ran.code, ran.out) == (2, "1 problem\n")
    assert ran.complaint.startswith('r.yml:2: alert A: warn: "< 0" is never reached')


def test_what_may_be_meant_is_a_warning(run: Run, files: Path) -> None:
    """Exit 0, told with its place, and in JSON apart from problems."""
    with (files / "n.yml").open("a") as file:
        file.write("inhibit_rules: [{source_matchers: [team=web], target_matchers: [alertname=A]}]\n")
    told = 'n.yml:3: warning: inhibit_rules[0].source_matchers: no rule has alerts that meet team="web"'

    ran, shown = run("check"), json.loads(run("check", "--json").out)

    assert (ran.code, ran.out) == (0, "fine: 1 rule, 1 receiver, 1 board; 1 warning\n")
    assert ran.complaint.startswith(told)
    assert shown["ok"] is True
    assert shown["problems"] == []
    assert [line.startswith(told) for line in shown["warnings"]] == [True]


def test_the_demo_has_nothing_to_mend(run: Run) -> None:
    """What ships is without problem and warning."""
    ran = run("check", "--demo")

    assert (ran.code, ran.complaint) == (0, "")
