"""The command line's grammar, and nothing that takes time to import: `--help` answers at once.

Each command names the module of this package whose `run(arguments)` carries it out.
"""

from __future__ import annotations

import argparse
import difflib
import re
from importlib import metadata
from pathlib import Path
from typing import NoReturn

_EPILOG = """\
start here:
  tocsin up --demo                     everything in one process, with a simulated shop and devices
  tocsin demo fault latency --for 2m   break the shop: a shipped rule pages, then resolves
  tocsin query 'SELECT mean(duration_ms) FROM http_request WHERE time > now() - 5m GROUP BY endpoint'
  tocsin check                         read every file and say what is wrong, before anything starts

exit codes: 0 done; 1 it ran and the answer is no; 2 it could not run (usage, configuration)
"""

_ABOUT_UP = """\
examples:
  tocsin up --demo                     what `make run` does; state in ./var beside the program
  tocsin up                            what ./tocsin.yml says; without that file, the defaults
  TOCSIN_STATE=/srv/tocsin tocsin up   every key of tocsin.yml is also a variable (docs/configuration.md)
  tocsin up --take-over                a new version replaces the running one; no device is refused meanwhile

Ctrl-C or SIGTERM stops it within seconds; SIGHUP takes up changed files. Where it listens stands in STATE/listen.json.
"""

_ABOUT_ROLE = """\
Each role can run in a process of its own. It finds the others by the URLs in its section of tocsin.yml, else by
listen.json of the same state folder. Ctrl-C or SIGTERM stops it within seconds; SIGHUP takes up changed files.
"""

_ABOUT_CHECK = """\
examples:
  tocsin check                         ./tocsin.yml, and the rules, receivers and boards that it names
  tocsin check --config /etc/tocsin/tocsin.yml --json

Each problem names file, line and path, what was expected, and the nearest valid name. Nothing is started or written.
"""

_ABOUT_QUERY = """\
examples:
  tocsin query 'SHOW MEASUREMENTS'
  tocsin query "SELECT last(temperature_c) FROM device_reading WHERE time > now() - 1h GROUP BY device"
  tocsin query --json 'SELECT count(duration_ms) FROM http_request WHERE time > now() - 5m' | jq .
  tocsin query --url http://collector:8186 --token-file read.token 'SHOW TAG KEYS FROM http_request'

The language is described in docs/influxql.md.
"""

_ABOUT_FAULTS = """\
examples:
  tocsin demo fault latency --for 2m   checkout gets slow: the alert FeatureSlow
  tocsin demo fault errors             the shop fails: ErrorRateHigh
  tocsin demo fault silence            devices stop reporting: DeviceSilent
  tocsin demo fault none               whole again, now
"""

_ABOUT_RULES = """\
examples:
  tocsin rule test tests/rules/shop.yml
  tocsin rule test --json tests/rules/*.yml | jq .passed

The shape of a test file is described in docs/rules.md.
"""

_ABOUT_SECRETS = """\
examples:
  tocsin secrets make --into /run/secrets --state /var/lib/tocsin
  tocsin secrets show --into /run/secrets
"""

_ABOUT_HEALTH = """\
examples:
  tocsin health http://127.0.0.1:8186/ready
"""

_ABOUT_LETTERS = """\
examples:
  tocsin dead list --reason field_type --since 2h
  tocsin dead show 17
  tocsin dead replay --measurement device_reading    once the cause is mended: what is refused again stays
  tocsin dead purge --source token:old-gateway

A dead letter is a line that was refused for good, with its reason, source and time (docs/dead-letters.md). Where tokens
are required, it takes scope admin; on the collector's own machine the stack's own token is found by itself.
"""

_ABOUT_EXPLAIN = """\
examples:
  tocsin explain 'device_reading,device=d7 temperature_c=21.4'
  tocsin explain 'm f=1i 1700000000' --precision s --source token:gateway
  tocsin explain --json-item '{"device": "d7", "temperature_c": 21.4}' --json
  tocsin explain alert 9f2c4a            why it fires, who was told, and if nobody, which silence or calendar it was

A line is shown to the running collector, with its own pins, checks and transforms; nothing is stored, counted or
learnt.
"""

_ABOUT_TAIL = """\
examples:
  tocsin tail                                           every line, as soon as it is acknowledged
  tocsin tail --measurement device_reading --tag device=d7 --rejected
  tocsin tail --field temperature_c --json | jq '.fields.temperature_c'
  tocsin tail --source token:gateway --count 100        of one sender, then end

Lines are shown as they are stored, refused ones with their reason. Intake never waits for it: what comes too fast to
be shown is skipped, and it is said how much (docs/tail.md). Ctrl-C ends it; it waits for a collector that restarts.
"""

_ABOUT_SILENCES = """\
examples:
  tocsin silence add 'alertname="CheckoutSlow"' 'severity="warning"' --for 2h --comment 'moving the database'
  tocsin silence list
  tocsin silence expire 4f1c22a09b3e

An alert that meets all matchers pages nobody meanwhile; if it still fires when the silence ends, it does then. Whoever
was paged before hears of the end all the same (docs/notifications.md).
"""

_ABOUT_STATUS = """\
examples:
  tocsin status
  tocsin status --json | jq .closes

By bucket and source, since the collector started: received + carried = delivered + buffered + rejected + dead + taken
out (docs/ledger.md). Exit 1 where that does not add up.
"""

_ABOUT_CREDENTIALS = """\
examples:
  tocsin token create gateway                   writes to every bucket; printed once, kept as a hash only
  tocsin token create d7 --bucket home --measurement 'device_*' --tag device=d7 --expires 90d
  tocsin token create app --lines-per-second 500 --burst 5000 --series 10000
  tocsin token list --json | jq '.tokens[] | select(.expires != null)'
  tocsin token revoke gateway                   takes effect within a second, without a restart

Measurements, tags and quotas bind writing; reading is by bucket (docs/tokens.md).
"""


_MISTYPED = re.compile(r"invalid choice: '(?P<word>[^']*)' \(choose from (?P<choices>.*)\)")


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints name the nearest valid word and say where to read on."""

    def error(self, message: str) -> NoReturn:
        """Exit 2 with usage, the fault and its mend."""
        mistyped = _MISTYPED.search(message)
        if mistyped:
            choices = re.findall(r"[\w-]+", mistyped["choices"])
            close = difflib.get_close_matches(mistyped["word"], choices, n=1)
            message += f"; did you mean {close[0]}?" if close else ""
        super().error(f"{message}\n{self.prog} --help tells more")


def parser() -> argparse.ArgumentParser:
    """The whole grammar. `module` in the result names the module to run."""
    top = _Parser(
        prog="tocsin",
        description="Telemetry in, dashboards up, alarm out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"tocsin {metadata.version('tocsin')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _roles(commands)
    _demo(commands)
    _check(commands)
    _query(commands)
    _token(commands)
    _dead(commands)
    _tail(commands)
    _explain(commands)
    _asks(
        _command(commands, "status", "status", "show what became of every line, and that none is lost", _ABOUT_STATUS),
        "read",
    )
    _silence(commands)
    _rule(commands)
    _operations(commands)
    return top


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    module: str,
    purpose: str,
    epilog: str = "",
    *,
    configured: bool = True,
) -> _Parser:
    command = commands.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if configured:
        command.add_argument(
            "--config",
            type=Path,
            default=None,
            metavar="FILE",
            help="configuration (default: ./tocsin.yml, if it is there)",
        )
    command.set_defaults(module=module)
    return command


def _action(actions: argparse._SubParsersAction[_Parser], name: str, purpose: str, epilog: str = "") -> _Parser:
    return actions.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _roles(commands: argparse._SubParsersAction[_Parser]) -> None:
    everything = _command(commands, "up", "up", "run collector, alerting and console in this process", _ABOUT_UP)
    everything.add_argument("--demo", action="store_true", help="also simulate a shop, devices and a pager")
    one = (
        ("collector", "run one role: take telemetry, keep it, deliver it, answer /query"),
        ("alerting", "run one role: evaluate rules and notify receivers"),
        ("console", "run one role: serve boards and alerts to browsers"),
    )
    for command in (everything, *(_command(commands, name, "up", purpose, _ABOUT_ROLE) for name, purpose in one)):
        command.add_argument(
            "--take-over",
            action="store_true",
            help="replace the process that runs on this state folder: its sockets are handed over, nobody is refused",
        )


def _demo(commands: argparse._SubParsersAction[_Parser]) -> None:
    demo = _command(commands, "demo", "up", "run one role: the simulated shop and devices; or break them", _ABOUT_ROLE)
    actions = demo.add_subparsers(dest="action", metavar="ACTION")
    purpose = "break the running demo, so that a shipped rule fires and then resolves"
    fault = _action(actions, "fault", purpose, _ABOUT_FAULTS)
    fault.add_argument("kind", choices=("latency", "errors", "silence", "none"), help="what breaks; none mends it now")
    fault.add_argument("--for", dest="duration", default="2m", help="how long (default: 2m)")
    fault.add_argument("--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help=argparse.SUPPRESS)
    fault.set_defaults(module="faults")


def _check(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "read configuration, rules, receivers and boards; say what is wrong"
    check = _command(commands, "check", "check", purpose, _ABOUT_CHECK)
    check.add_argument("--demo", action="store_true", help="check the demo's configuration")
    check.add_argument("--json", action="store_true", help="problems as JSON")


def _query(commands: argparse._SubParsersAction[_Parser]) -> None:
    query = _command(commands, "query", "query", "ask the store in InfluxQL", _ABOUT_QUERY)
    query.add_argument("influxql", help="for example: SELECT count(temperature_c) FROM device_reading GROUP BY device")
    query.add_argument("--bucket", default="telemetry", help="the database to ask (default: telemetry)")
    query.add_argument("--url", default="", help="a collector's URL (default: the one running on this state folder)")
    query.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds a token with scope read, where one is needed"
    )
    query.add_argument("--json", action="store_true", help="InfluxDB's JSON instead of tables")


def _token(commands: argparse._SubParsersAction[_Parser]) -> None:
    token = _command(commands, "token", "tokens", "make, list and revoke the collector's tokens", _ABOUT_CREDENTIALS)
    token.add_argument("--json", action="store_true", help="answer as JSON")
    actions = token.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = _action(actions, "create", "make a token and print it, once")
    create.add_argument("name", help="whose it is: a device, an app, a person")
    create.add_argument(
        "--scope", choices=("write", "read", "admin"), action="append", help="may be repeated (default: write)"
    )
    create.add_argument("--bucket", action="append", metavar="NAME", help="may be repeated (default: every bucket)")
    create.add_argument(
        "--measurement", action="append", metavar="NAME", help="writes these alone; a pattern, may be repeated"
    )
    create.add_argument("--tag", action="append", metavar="KEY=VALUE", help="every line carries it; may be repeated")
    create.add_argument("--lines-per-second", type=float, metavar="N", help="in the long run (default: no quota)")
    create.add_argument("--burst", type=int, metavar="N", help="lines at once (default: ten seconds' worth)")
    create.add_argument("--series", type=int, metavar="N", help="series alive at a time (default: no quota)")
    create.add_argument("--expires", metavar="SPAN", help="worth nothing after it, as in 90d (default: never)")
    listed = _action(actions, "list", "names and what each may; the tokens themselves cannot be shown again")
    for action in (create, listed):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")
    revoke = _action(actions, "revoke", "end a token at once")
    revoke.add_argument("name", help="as `tocsin token list` shows it")


def _asks(command: _Parser, scope: str) -> None:
    """The options of a command that asks the running collector."""
    command.add_argument("--url", default="", help="a collector's URL (default: the one running on this state folder)")
    command.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"holds a token with scope {scope}, where one is needed"
    )
    command.add_argument("--json", action="store_true", help="answer as JSON")


def _dead(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "look at lines that were refused, replay them or throw them away"
    dead = _command(commands, "dead", "dead", purpose, _ABOUT_LETTERS)
    _asks(dead, "admin")
    actions = dead.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = _action(actions, "list", "list letters, oldest first", _ABOUT_LETTERS)
    shown.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many (default: 100)")
    shown.add_argument("--after", type=int, default=0, metavar="ID", help="go on behind this letter")
    whole = _action(actions, "show", "print letters whole, with their lines", _ABOUT_LETTERS)
    whole.add_argument("ids", type=int, nargs="+", metavar="ID", help="as `tocsin dead list` shows it")
    replay = _action(actions, "replay", "send lines through intake again; what is refused again stays", _ABOUT_LETTERS)
    purge = _action(actions, "purge", "throw letters away", _ABOUT_LETTERS)
    purge.add_argument("--all", action="store_true", help="every letter, where no filter is given")
    for action in (replay, purge):
        action.add_argument(
            "ids", type=int, nargs="*", metavar="ID", help="these letters alone (default: all that fit)"
        )
    for action in (shown, replay, purge):
        action.add_argument("--bucket", metavar="NAME", help="letters of this bucket")
        action.add_argument("--measurement", metavar="NAME", help="letters of this measurement")
        action.add_argument("--reason", metavar="WORDS", help="the kind of reason, or words that stand in it")
        action.add_argument("--source", metavar="WHO", help="as it is listed: token:NAME or host:ADDRESS")
        action.add_argument(
            "--since", metavar="WHEN", help="a span back, as in 2h, or a time, as in 2026-01-31T08:00:00Z"
        )


def _tail(commands: argparse._SubParsersAction[_Parser]) -> None:
    tail = _command(commands, "tail", "tail", "follow the lines that the collector takes, as they come", _ABOUT_TAIL)
    tail.add_argument("--measurement", metavar="NAME", help="lines of this measurement")
    tail.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="lines with this tag; may be repeated"
    )
    tail.add_argument("--field", metavar="NAME", help="lines with this field")
    tail.add_argument("--bucket", metavar="NAME", help="lines of this bucket (default: all that may be seen)")
    tail.add_argument("--source", metavar="WHO", help="lines from there: token:NAME or host:ADDRESS")
    tail.add_argument("--rejected", action="store_true", help="lines that are refused too, each with its reason")
    tail.add_argument("--count", type=int, metavar="N", help="end after so many lines")
    tail.add_argument("--once", action="store_true", help="end when the collector goes; do not wait for the next")
    _asks(tail, "read")


def _explain(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "show what every room of the collector would make of one line"
    explain = _command(commands, "explain", "explain", purpose, _ABOUT_EXPLAIN)
    explain.add_argument("line", help="a line of line protocol; or the word `alert`, before the id of one")
    explain.add_argument(
        "alert_id", nargs="?", metavar="ID", help="of an alert, as /api/v1/alerts shows it; or its start"
    )
    explain.add_argument(
        "--json-item", action="store_true", help="it is a reading in JSON, as /v1/telemetry takes them"
    )
    explain.add_argument("--bucket", metavar="NAME", help="where it would be written to (default: the collector's)")
    explain.add_argument("--precision", metavar="UNIT", help="the unit of its timestamp (default: ns, for JSON ms)")
    explain.add_argument("--source", metavar="WHO", help="as if it came from there: token:NAME or host:ADDRESS")
    explain.add_argument(
        "--token-name", metavar="NAME", help="as if it came with this token, bound as it is (default: the caller's)"
    )
    _asks(explain, "read")


def _silence(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "hold alerts back from people for a while: add, list, end"
    silence = _command(commands, "silence", "silences", purpose, _ABOUT_SILENCES)
    silence.add_argument("--url", default="", help="alerting's URL (default: the one running on this state folder)")
    silence.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds alerting.admin_token, where it is needed"
    )
    silence.add_argument("--json", action="store_true", help="answer as JSON")
    actions = silence.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _action(actions, "add", "make a silence", _ABOUT_SILENCES)
    add.add_argument("matchers", nargs="+", metavar="MATCHER", help="""as in routes: team="web", severity=~"warn.*\"""")
    add.add_argument("--for", dest="duration", required=True, metavar="SPAN", help="how long, as in 2h")
    add.add_argument("--comment", required=True, help="why, for whoever is not paged")
    add.add_argument("--author", help="who says so (default: the name you are logged in with)")
    add.add_argument("--change", metavar="ID", help="put it in the place of this silence")
    listed = _action(actions, "list", "show those that are in force or to come", _ABOUT_SILENCES)
    listed.add_argument("--all", action="store_true", help="those that have ended, too")
    expire = _action(actions, "expire", "end silences now", _ABOUT_SILENCES)
    expire.add_argument("ids", nargs="+", metavar="ID", help="as `tocsin silence list` shows it")
    for action in (add, listed, expire):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")


def _rule(commands: argparse._SubParsersAction[_Parser]) -> None:
    rule = _command(commands, "rule", "rules", "test rules before they page", _ABOUT_RULES, configured=False)
    actions = rule.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = _action(actions, "test", "run unit tests of rules, in promtool's shape", _ABOUT_RULES)
    test.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a YAML file of tests")
    test.add_argument("--json", action="store_true", help="one object with every check")


def _operations(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "make the passwords and tokens of a compose stack"
    secrets = _command(commands, "secrets", "secrets", purpose, _ABOUT_SECRETS, configured=False)
    actions = secrets.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, purpose in (
        ("make", "make what is missing; what exists is left alone"),
        ("show", "print what a person needs: Grafana's password and a token to push with"),
    ):
        action = _action(actions, name, purpose)
        action.add_argument("--into", type=Path, default=Path("/run/secrets"), metavar="DIR", help="where secrets live")
        if name == "make":
            action.add_argument("--state", type=Path, required=True, metavar="DIR", help="the collector's state folder")
    purpose = "ask a URL and exit 0 if it answers 2xx (for health checks)"
    health = _command(commands, "health", "health", purpose, _ABOUT_HEALTH, configured=False)
    health.add_argument("url", help="http://HOST:PORT/PATH")
