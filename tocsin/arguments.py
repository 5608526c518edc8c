"""The command line's grammar, and nothing that takes time to import: `--help` answers at once.

Each command names the module of this package whose `run(arguments)` carries it out.
"""

from __future__ import annotations

import argparse
import difflib
import re
from copy import copy
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from tocsin import examples

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


class _Help(argparse.RawDescriptionHelpFormatter):
    """Room enough for the longest command beside what it does."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def parser() -> argparse.ArgumentParser:
    """The whole grammar. `module` in the result names the module to run."""
    top = _Parser(
        prog="tocsin",
        description="Telemetry in, dashboards up, alarm out.",
        epilog=examples.TOP,
        formatter_class=_Help,
    )
    top.add_argument("--version", action="version", version=f"tocsin {metadata.version('tocsin')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    _roles(commands)
    _demo(commands)
    _check(commands)
    _doctor(commands)
    _query(commands)
    _tail(commands)
    _explain(commands)
    _status(commands)
    _dead(commands)
    _backup(commands)
    _export(commands)
    _token(commands)
    _acknowledge(commands)
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
        formatter_class=_Help,
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


def _anywhere(command: _Parser, actions: argparse._SubParsersAction[_Parser]) -> None:
    """Take the options of a command behind its actions as well: that is where one types them."""
    for option in command._actions:  # noqa: SLF001 - argparse has no other way to look at a grammar
        if not option.option_strings or option.dest == "help":
            continue
        for action in actions.choices.values():
            if option.option_strings[0] not in action._option_string_actions:  # noqa: SLF001 - the same
                again = copy(option)
                again.default = argparse.SUPPRESS
                action._add_action(again)  # noqa: SLF001 - the same


def _action(actions: argparse._SubParsersAction[_Parser], name: str, purpose: str, epilog: str = "") -> _Parser:
    return actions.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=epilog,
        formatter_class=_Help,
    )


def _roles(commands: argparse._SubParsersAction[_Parser]) -> None:
    everything = _command(commands, "up", "up", "run collector, alerting and console in this process", examples.UP)
    everything.add_argument("--demo", action="store_true", help="also simulate a shop, devices and a pager")
    one = (
        ("collector", "run one role: take telemetry, keep it, deliver it, answer /query"),
        ("alerting", "run one role: evaluate rules and notify receivers"),
        ("console", "run one role: serve boards and alerts to browsers"),
    )
    for command in (everything, *(_command(commands, name, "up", purpose, examples.ROLE) for name, purpose in one)):
        command.add_argument(
            "--take-over",
            action="store_true",
            help="replace the process that runs on this state folder: its sockets are handed over, nobody is refused",
        )


def _demo(commands: argparse._SubParsersAction[_Parser]) -> None:
    demo = _command(
        commands, "demo", "up", "run one role: the simulated shop and devices; or break them", examples.ROLE
    )
    actions = demo.add_subparsers(dest="action", metavar="ACTION")
    purpose = "break the running demo, so that a shipped rule fires and then resolves"
    fault = _action(actions, "fault", purpose, examples.FAULTS)
    fault.add_argument("kind", choices=("latency", "errors", "silence", "none"), help="what breaks; none mends it now")
    fault.add_argument("--for", dest="duration", default="2m", help="how long (default: 2m)")
    fault.set_defaults(module="faults")
    _anywhere(demo, actions)


def _check(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "read configuration, rules, receivers and boards; say what is wrong"
    check = _command(commands, "check", "check", purpose, examples.CHECK)
    check.add_argument("--demo", action="store_true", help="check the demo's configuration")
    check.add_argument("--json", action="store_true", help="problems as JSON")


def _doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "walk the whole line, say for each step that it is fine, or what is wrong and what mends it"
    doctor = _command(commands, "doctor", "doctor.command", purpose, examples.DOCTOR)
    doctor.add_argument("--demo", action="store_true", help="the demo's configuration (by itself while the demo runs)")
    doctor.add_argument("--json", action="store_true", help="every finding as JSON")


def _query(commands: argparse._SubParsersAction[_Parser]) -> None:
    query = _command(commands, "query", "query", "ask the store in InfluxQL", examples.QUERY)
    query.add_argument("influxql", help="for example: SELECT count(temperature_c) FROM device_reading GROUP BY device")
    query.add_argument("--bucket", default="telemetry", metavar="NAME", help="the database to ask (default: telemetry)")
    query.add_argument("--url", default="", help="a collector's URL (default: the one running on this state folder)")
    query.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds a token with scope read, where one is needed"
    )
    query.add_argument("--json", action="store_true", help="InfluxDB's JSON instead of tables")


def _token(commands: argparse._SubParsersAction[_Parser]) -> None:
    token = _command(commands, "token", "tokens", "make, list and revoke the collector's tokens", examples.CREDENTIALS)
    token.add_argument("--json", action="store_true", help="answer as JSON")
    actions = token.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = _action(actions, "create", "make a token and print it, once")
    create.add_argument("name", help="whose it is: a device, an app, a person")
    create.add_argument(
        "--scope",
        choices=("write", "read", "backup", "admin"),
        action="append",
        help="may be repeated (default: write)",
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
    _action(actions, "list", "list names and what each may; the tokens themselves cannot be shown again")
    revoke = _action(actions, "revoke", "end a token at once")
    revoke.add_argument("name", help="as `tocsin token list` shows it")
    _anywhere(token, actions)


def _asks(command: _Parser, scope: str, as_json: str = "answer as JSON") -> None:
    """The options of a command that asks the running collector."""
    command.add_argument("--url", default="", help="a collector's URL (default: the one running on this state folder)")
    command.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"holds a token with scope {scope}, where one is needed"
    )
    command.add_argument("--json", action="store_true", help=as_json)


def _dead(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "look at lines that were refused for good, send them again or throw them away"
    dead = _command(commands, "dead", "dead", purpose, examples.LETTERS)
    _asks(dead, "admin")
    actions = dead.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = _action(actions, "list", "list letters, oldest first", examples.LETTERS)
    shown.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many (default: 100)")
    shown.add_argument("--after", type=int, default=0, metavar="ID", help="go on behind this letter")
    whole = _action(actions, "show", "print letters whole, with their lines", examples.LETTERS)
    whole.add_argument("ids", type=int, nargs="+", metavar="ID", help="as `tocsin dead list` shows it")
    exported = _action(actions, "export", "print all letters that fit, one JSON object a row", examples.LETTERS)
    _action(actions, "summary", "count letters by bucket, source and what became of them", examples.LETTERS)
    purpose = "send the lines of letters through intake again; what is refused again stays"
    replay = _action(actions, "replay", purpose, examples.LETTERS)
    purge = _action(actions, "purge", "throw letters away", examples.LETTERS)
    purge.add_argument("--all", action="store_true", help="every letter, where no filter is given")
    for action in (replay, purge):
        action.add_argument(
            "ids", type=int, nargs="*", metavar="ID", help="these letters alone (default: all that fit)"
        )
    for action in (shown, exported, replay, purge):
        action.add_argument("--bucket", metavar="NAME", help="letters of this bucket")
        action.add_argument("--measurement", metavar="NAME", help="letters of this measurement")
        action.add_argument("--reason", metavar="WORDS", help="the kind of reason, or words that stand in it")
        action.add_argument("--source", metavar="WHO", help="as it is listed: token:NAME, cert:NAME or host:ADDRESS")
        for option, purpose in (("--since", "not older than"), ("--until", "older than")):
            action.add_argument(
                option, metavar="WHEN", help=f"{purpose} this: a span back, as in 2h, or a time: 2026-01-31T08:00:00Z"
            )
    _anywhere(dead, actions)


def _tail(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "follow the lines that the collector takes, and those that it refuses"
    tail = _command(commands, "tail", "tail", purpose, examples.TAIL)
    tail.add_argument("--measurement", metavar="NAME", help="lines of this measurement")
    tail.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="lines with this tag; may be repeated"
    )
    tail.add_argument("--field", metavar="NAME", help="lines with this field")
    tail.add_argument("--bucket", metavar="NAME", help="lines of this bucket (default: all that may be seen)")
    tail.add_argument("--source", metavar="WHO", help="lines from there: token:NAME, cert:NAME or host:ADDRESS")
    tail.add_argument("--rejected", action="store_true", help="lines that are refused too, each with its reason")
    tail.add_argument("--count", type=int, metavar="N", help="end after so many lines")
    tail.add_argument("--once", action="store_true", help="end when the collector goes; do not wait for the next")
    _asks(tail, "read", "one object a row, with the parts of the line")


def _status(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "show what became of every line, and that none is lost"
    _asks(_command(commands, "status", "status", purpose, examples.STATUS), "read")


def _explain(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "show what the collector would make of a line and why, why an alert is as it is, or how far a rollup is"
    explain = _command(commands, "explain", "explain", purpose, examples.EXPLAIN)
    explain.add_argument(
        "line", help="a line of line protocol; or the word `alert` or `rollup`, before the id or name of one"
    )
    explain.add_argument("alert_id", nargs="?", metavar="ID", help="of an alert, or its start; or the name of a rollup")
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


def _acknowledge(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "say that you have an alert or an incident in hand: nobody is reminded of it meanwhile"
    ack = _command(commands, "ack", "acknowledge", purpose, examples.ACKNOWLEDGE)
    ack.add_argument(
        "id", nargs="?", default="", metavar="ID", help="of an alert or an incident, or its start (default: list them)"
    )
    ack.add_argument("--by", metavar="NAME", help="who has it (default: the name you are logged in with)")
    ack.add_argument("--comment", default="", metavar="TEXT", help="what is being done, for whoever looks next")
    ack.add_argument("--undo", action="store_true", help="give it back: nobody has it any more")
    _asks_alerting(ack)


def _asks_alerting(command: _Parser) -> None:
    """The options of a command that asks the running alerting role."""
    command.add_argument("--url", default="", help="alerting's URL (default: the one running on this state folder)")
    command.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds alerting.admin_token, where it is needed"
    )
    command.add_argument("--json", action="store_true", help="answer as JSON")


def _silence(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "hold alerts back from people for a while: add, list, end"
    silence = _command(commands, "silence", "silences", purpose, examples.SILENCES)
    _asks_alerting(silence)
    actions = silence.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = _action(actions, "add", "make a silence", examples.SILENCES)
    add.add_argument("matchers", nargs="+", metavar="MATCHER", help="""as in routes: team="web", severity=~"warn.*\"""")
    add.add_argument("--for", dest="duration", required=True, metavar="SPAN", help="how long, as in 2h")
    add.add_argument("--comment", required=True, help="why, for whoever is not paged")
    add.add_argument("--author", help="who says so (default: the name you are logged in with)")
    add.add_argument("--change", metavar="ID", help="put it in the place of this silence")
    listed = _action(actions, "list", "show those that are in force or to come", examples.SILENCES)
    listed.add_argument("--all", action="store_true", help="those that have ended, too")
    expire = _action(actions, "expire", "end silences now", examples.SILENCES)
    expire.add_argument("ids", nargs="+", metavar="ID", help="as `tocsin silence list` shows it")
    _anywhere(silence, actions)


def _rule(commands: argparse._SubParsersAction[_Parser]) -> None:
    rule = _command(commands, "rule", "rules", "test rules before they page", examples.RULES, configured=False)
    actions = rule.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = _action(actions, "test", "run unit tests of rules, in promtool's shape", examples.RULES)
    test.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a YAML file of tests")
    test.add_argument("--json", action="store_true", help="one object with every check")
    purpose = "print the messages that an alert of a rule would come to; nothing is sent"
    shown = _action(actions, "preview", purpose, examples.RULES)
    shown.add_argument("alert", help="the name of the rule")
    shown.add_argument(
        "--label", action="append", default=[], metavar="NAME=VALUE", help="of the series; may be repeated"
    )
    shown.add_argument("--value", type=float, help="the value (default: one that is just bad enough)")
    shown.add_argument("--resolved", action="store_true", help="the message when it is over")
    shown.add_argument("--demo", action="store_true", help="of the demo's rules and receivers")
    shown.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: ./tocsin.yml, if it is there)"
    )
    shown.add_argument("--json", action="store_true", help="one object with every message")


def _backup(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "copy the store, alerts, tokens and field types while everything runs"
    backup = _command(commands, "backup", "backup", purpose, examples.BACKUP)
    backup.add_argument("target", type=Path, help="a folder to be made, or a file: NAME.tar")
    _asks(backup, "backup", "what was copied as JSON")
    _bounds(backup)
    purpose = "put a backup into an empty state folder"
    restore = _command(commands, "restore", "restore", purpose, examples.RESTORE)
    restore.add_argument("source", type=Path, help="what `tocsin backup` made")
    restore.add_argument("--json", action="store_true", help="what was restored as JSON")
    restore.add_argument(
        "--store", action="store_true", help="the store alone, in the place of one that was moved away"
    )


def _bounds(command: _Parser) -> None:
    """How a copy comes from another machine."""
    command.add_argument("--rate", metavar="SIZE", help="with --url, at most so many bytes a second, as in 20MB")


def _export(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "write points to a file of line protocol, or to Parquet by bucket, measurement and day"
    export = _command(commands, "export", "export", purpose, examples.EXPORT)
    export.add_argument("target", type=Path, help="a file to be made, packed if it ends in .gz; for Parquet a folder")
    export.add_argument("--format", choices=("lp", "parquet"), default="lp", help="line protocol (default) or Parquet")
    export.add_argument("--bucket", metavar="NAME", help="of this bucket (default: telemetry; for Parquet all)")
    export.add_argument("--measurement", metavar="NAME", help="of this measurement (default: all)")
    for option, purpose in (("--since", "not older than"), ("--until", "older than")):
        export.add_argument(
            option, metavar="WHEN", help=f"{purpose} this: a span back, as in 2h, or a time: 2026-01-31T08:00:00Z"
        )
    _asks(export, "backup", "what was written as JSON")
    _bounds(export)
    purpose = "send line protocol, or an export as Parquet, to the collector, as anybody would"
    brought = _command(commands, "import", "bringing", purpose, examples.IMPORT)
    brought.add_argument(
        "file", type=Path, help="lines with timestamps in ns, packed if it ends in .gz; or a folder that export made"
    )
    brought.add_argument(
        "--bucket", metavar="NAME", help="where to (default: telemetry; for a folder the buckets it came from)"
    )
    _asks(brought, "write")


def _operations(commands: argparse._SubParsersAction[_Parser]) -> None:
    purpose = "make the passwords and tokens of a compose stack, or the hash of a password"
    secrets = _command(commands, "secrets", "secrets", purpose, examples.SECRETS, configured=False)
    actions = secrets.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, purpose in (
        ("make", "make what is missing; what exists is left alone"),
        ("show", "print what a person needs: the passwords of Grafana and the console, and a token to push with"),
    ):
        action = _action(actions, name, purpose)
        action.add_argument("--into", type=Path, default=Path("/run/secrets"), metavar="DIR", help="where secrets live")
        if name == "make":
            action.add_argument("--state", type=Path, required=True, metavar="DIR", help="the collector's state folder")
    _action(actions, "hash", "print the hash of a password, for console.password; it is asked for, or read from a pipe")
    purpose = "ask a URL and exit 0 if it answers 2xx (for health checks)"
    health = _command(commands, "health", "health", purpose, examples.HEALTH, configured=False)
    health.add_argument("url", help="http://HOST:PORT/PATH")
