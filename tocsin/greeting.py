"""What `tocsin up` says once all is ready: where it is, and commands to paste that work as it is configured.

`up` calls it. The invariant: no secret is shown.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console as Terminal

from tocsin.config import TocsinConfig
from tocsin.reaching import url_of

_PURPOSES: Final[Mapping[str, str]] = {
    "console": "boards and alerts",
    "collector": "telemetry in",
    "alerting": "alarm out",
    "demo": "the demo's pager",
}
_ASKED: Final = """query "SELECT temperature_c FROM device_reading WHERE device = 'd7'\""""
_READING: Final = """'{"device":"d7","temperature_c":21.4}'"""


def greet(config: TocsinConfig, addresses: Mapping[str, str], program: str) -> None:
    """Print it. `addresses`: role -> HOST:PORT really bound; `program` is how this one was called."""
    terminal = Terminal(highlight=False)
    command = _typed(program)
    urls = {role: url_of(config, role, where) for role, where in addresses.items()}
    terminal.print("\n[bold]Tocsin is ready.[/bold] Ctrl-C stops it; its data stays in", str(config.state))
    for role, purpose in _PURPOSES.items():
        if role in urls:
            terminal.print(f"  {role:<10} {urls[role]}   {purpose}", soft_wrap=True)
    if "collector" in urls:
        terminal.print("\nPush a reading:", markup=False)
        trusting = "" if config.collector.tls is None else f" --cacert {config.collector.tls.certificate}"
        if config.collector.tokens == "required":
            print(f"  TOKEN=$({command} token create d7)")
            trusting += ' -H "Authorization: Token $TOKEN"'
        where = f"{urls['collector']}/v1/telemetry"
        print(f"  curl -i{trusting} {where} -H 'Content-Type: application/json' -d {_READING}")
        terminal.print("\nAsk for it:", markup=False)
        print(f"  {command} {_ASKED}")
    if "demo" in urls:
        terminal.print("\nBreak the shop for two minutes and get paged:", markup=False)
        print(f"  {command} demo fault latency --for 2m")
    print(flush=True)


def _typed(program: str) -> str:
    """What a person types here to call this program again: its name where the shell finds it, else its path."""
    path = Path(program)
    if path.suffix == ".py":  # python -m tocsin
        return f"{shlex.quote(sys.executable)} -m tocsin"
    found = shutil.which(path.name)
    if found is not None and Path(found).resolve() == path.resolve():
        return path.name
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else program)
