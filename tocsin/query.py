"""`tocsin query 'SELECT ...'`: asks the collector's /query and prints a table, or JSON for programs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime

from rich.console import Console as Terminal
from rich.table import Table

from foundation import listen, tls
from foundation.errors import ConfigError, TocsinError
from foundation.secret import Secret
from foundation.tls import Trust
from store import render
from store.contract import Series, StatementResult, Value
from store.remote import RemoteConfig, RemoteReader
from tocsin import config as configuration
from tocsin.reaching import url_of
from tocsin.tokens import own_token


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 with an answer, 1 when the query failed, 2 when it could not be asked."""
    url, trust, token = _named(arguments)
    if arguments.token_file:
        token = Secret(arguments.token_file.read_text().strip())
    try:
        asked = RemoteConfig(kind="remote", url=url, token=token)
    except ValueError as error:
        raise ConfigError(f"--url: {error}") from error
    try:
        results = asyncio.run(_ask(RemoteReader(asked, trust), arguments.influxql, arguments.bucket))
    except TocsinError as error:
        print(f"tocsin query: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(render.to_json(results, epoch=None, pretty=True).decode())
    else:
        _show(results)
    failed = [result.error for result in results if result.error]
    for problem in failed:
        print(f"tocsin query: {problem}", file=sys.stderr)
    return 1 if failed else 0


def _named(arguments: argparse.Namespace) -> tuple[str, Trust, Secret | None]:
    """Whom to ask, whom to believe, and with which token: on the collector's own machine the stack's own."""
    if arguments.url:
        return str(arguments.url), True, None
    config = configuration.load(arguments.config)
    where = listen.addresses(config.state).get("collector")
    if where is None:
        raise ConfigError(f"no collector runs on {config.state}; start one with `tocsin up`, or name one with --url")
    own = config.collector.tls
    trust: Trust = tls.trust(own) if own is not None else True
    return url_of(config, "collector", where), trust, own_token(config.state)


async def _ask(reader: RemoteReader, influxql: str, bucket: str) -> tuple[StatementResult, ...]:
    await reader.open()
    try:
        return await reader.query(influxql, bucket)
    finally:
        await reader.close()


def _show(results: tuple[StatementResult, ...]) -> None:
    terminal = Terminal()
    rows = 0
    for result in results:
        for series in result.series:
            rows += len(series.values)
            terminal.print(_table(series))
    if not rows and not any(result.error for result in results):
        terminal.print("no rows")


def _table(series: Series) -> Table:
    tags = ", ".join(f"{key}={value}" for key, value in series.tags.items())
    table = Table(title=f"{series.name}  {tags}".strip(), title_justify="left")
    for column in series.columns:
        table.add_column(column, justify="left" if column == "time" else "right")
    for row in series.values:
        table.add_row(*(_cell(column, value) for column, value in zip(series.columns, row, strict=True)))
    return table


def _cell(column: str, value: Value) -> str:
    if value is None:
        return ""
    if column == "time" and isinstance(value, int):
        return datetime.fromtimestamp(value / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{value:g}" if isinstance(value, float) else str(value)
