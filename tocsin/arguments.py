"""The command line's grammar, and nothing that takes time to import: `--help` answers at once.

Each command names the module of this package whose `run(arguments)` carries it out.
"""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

_EPILOG = """\
start here:
  tocsin up --demo                     everything in one process, with a simulated shop and devices
  tocsin demo fault latency --for 2m   break the shop: a shipped rule pages, then resolves
  tocsin query 'SELECT mean(duration_ms) FROM http_request WHERE time > now() - 5m GROUP BY endpoint'
  tocsin check                         read every file and say what is wrong, before anything starts

exit codes: 0 done; 1 it ran and the answer is no; 2 it could not run (usage, configuration)
"""

_ABOUT_CREDENTIALS = """\
examples:
  tocsin token create gateway --scope write     prints the token once; it is kept as a hash only
  tocsin token list
  tocsin token revoke gateway                   takes effect at once, without a restart
"""


def parser() -> argparse.ArgumentParser:
    """The whole grammar. `module` in the result names the module to run."""
    top = argparse.ArgumentParser(
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
    _rule(commands)
    _operations(commands)
    return top


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    module: str,
    purpose: str,
    epilog: str = "",
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=purpose,
        description=purpose[0].upper() + purpose[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--config",
        type=Path,
        default=None,
        metavar="FILE",
        help="configuration (default: ./tocsin.yml, if it is there)",
    )
    command.set_defaults(module=module)
    return command


def _roles(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    everything = _command(commands, "up", "up", "run collector, alerting and console in this process")
    everything.add_argument("--demo", action="store_true", help="also simulate a shop, devices and a pager")
    _command(commands, "collector", "up", "run one role: take telemetry, keep it, deliver it, answer /query")
    _command(commands, "alerting", "up", "run one role: evaluate rules and notify receivers")
    _command(commands, "console", "up", "run one role: serve boards and alerts to browsers")


def _demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = _command(commands, "demo", "up", "run one role: the simulated shop and devices; or break them")
    actions = demo.add_subparsers(dest="action", metavar="ACTION")
    fault = actions.add_parser("fault", help="break the running demo, so that a shipped rule fires and then resolves")
    fault.add_argument("kind", choices=("latency", "errors", "silence", "none"), help="what breaks; none mends it now")
    fault.add_argument("--for", dest="duration", default="2m", help="how long (default: 2m)")
    fault.add_argument("--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help=argparse.SUPPRESS)
    fault.set_defaults(module="faults")


def _check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = _command(commands, "check", "check", "read configuration, rules, receivers and boards; say what is wrong")
    check.add_argument("--demo", action="store_true", help="check the demo's configuration")
    check.add_argument("--json", action="store_true", help="problems as JSON")


def _query(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    query = _command(commands, "query", "query", "ask the store in InfluxQL")
    query.add_argument("influxql", help="for example: SELECT count(temperature_c) FROM device_reading GROUP BY device")
    query.add_argument("--bucket", default="telemetry", help="the database to ask (default: telemetry)")
    query.add_argument("--url", default="", help="a collector's URL (default: the one running on this state folder)")
    query.add_argument(
        "--token-file", type=Path, metavar="FILE", help="holds a token with scope read, where one is needed"
    )
    query.add_argument("--json", action="store_true", help="InfluxDB's JSON instead of tables")


def _token(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    token = _command(commands, "token", "tokens", "make, list and revoke the collector's tokens", _ABOUT_CREDENTIALS)
    token.add_argument("--json", action="store_true", help="answer as JSON")
    actions = token.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token and print it, once")
    create.add_argument("name", help="whose it is: a device, an app, a person")
    create.add_argument(
        "--scope", choices=("write", "read", "admin"), action="append", help="may be repeated (default: write)"
    )
    create.add_argument("--bucket", action="append", metavar="NAME", help="may be repeated (default: every bucket)")
    actions.add_parser("list", help="names and scopes; the tokens themselves cannot be shown again")
    revoke = actions.add_parser("revoke", help="end a token at once")
    revoke.add_argument("name")


def _rule(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rule = _command(commands, "rule", "rules", "test rules before they page")
    actions = rule.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser("test", help="run unit tests of rules, in promtool's shape")
    test.add_argument("files", nargs="+", type=Path, metavar="FILE")
    test.add_argument("--json", action="store_true", help="one object with every check")


def _operations(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    secrets = _command(commands, "secrets", "secrets", "make the passwords and tokens of a compose stack")
    actions = secrets.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, purpose in (
        ("make", "make what is missing; what exists is left alone"),
        ("show", "print what a person needs: Grafana's password and a token to push with"),
    ):
        action = actions.add_parser(name, help=purpose)
        action.add_argument("--into", type=Path, default=Path("/run/secrets"), metavar="DIR", help="where secrets live")
        if name == "make":
            action.add_argument("--state", type=Path, required=True, metavar="DIR", help="the collector's state folder")
    health = _command(commands, "health", "health", "ask a URL and exit 0 if it answers 2xx (for health checks)")
    health.add_argument("url")
