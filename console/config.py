"""Settings of the console."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

from foundation.differences import FIXED
from foundation.secret import Secret
from foundation.tls import TlsConfig
from foundation.web import Address

BOARDS = Path(__file__).resolve().parent.parent / "grafana" / "provisioning" / "dashboards" / "json"
"""The boards that ship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """A reverse proxy that has asked people who they are, and says so in `header`.

    The header counts from `addresses` alone (addresses or networks): anybody else could write it, too.
    """

    header: str
    addresses: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what is no address, and a proxy without one."""
        if not self.addresses:
            raise ValueError("addresses: name those that the proxy speaks from, as in [127.0.0.1]")
        for one in self.addresses:
            try:
                ipaddress.ip_network(one, strict=False)
            except ValueError as error:
                raise ValueError(f"addresses: {one!r} is none; write 10.0.0.7 or 10.0.0.0/8") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """`boards` is a folder of dashboard files in Grafana's classic JSON; they are asked from `bucket`.

    `token` may read from a collector that asks for one; `deadline` is how long an answer may take. `collector` and
    `alerting` are URLs of roles in other processes; empty where they run in this one or on the same state. `public_url`
    is where people reach the console, for the links in messages; empty: the address it listens on.

    Where others can reach `listen`, people sign in: with a `password`, of which this is the argon2 hash that
    `tocsin secrets hash` prints, or at a `proxy` in front. Who has signed in stays so for `session`. `open` lets
    everybody in who reaches it; on loopback everybody is, unless there is a password or a proxy.

    `changes` says who may set and end silences through the pages: with `local` whoever signed in, or reaches a console
    that listens on loopback and asks nobody; with `anyone` whoever reaches it, with `nobody` no one. `alerting_token`
    is alerting's `admin_token`, sent with each change; where alerting runs on the same configuration, its own is taken.
    """

    listen: str = field(default="127.0.0.1:8080", metadata=FIXED)
    tls: TlsConfig | None = field(default=None, metadata=FIXED)
    collector: str = ""
    alerting: str = ""
    public_url: str = ""
    boards: Path = BOARDS
    bucket: str = "telemetry"
    token: Secret | None = None
    password: Secret | None = None
    proxy: ProxyConfig | None = None
    session: timedelta = timedelta(hours=12)
    open: bool = False
    alerting_token: Secret | None = None
    changes: Literal["local", "anyone", "nobody"] = "local"
    deadline: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        address = Address.parse(self.listen)
        for key in ("collector", "alerting", "public_url"):
            url = str(getattr(self, key))
            if url and not url.startswith(("http://", "https://")):
                raise ValueError(f"{key}: {url!r} is not a URL; write it as in http://127.0.0.1:8186")
        if self.deadline <= timedelta(0):
            raise ValueError("deadline must be longer than zero")
        if self.session <= timedelta(0):
            raise ValueError("session must be longer than zero")
        if self.password is not None:
            _refuse_no_hash(self.password)
        if not (address.loopback or self.open or self.password or self.proxy):
            raise ValueError(
                f"others can reach {self.listen}, so people sign in: give password (a hash from `tocsin secrets hash`)"
                " or proxy, or let everybody in with open: true"
            )


def _refuse_no_hash(password: Secret) -> None:
    try:
        kind = extract_parameters(password.reveal()).type.name
    except InvalidHashError:
        kind = ""
    if kind != "ID":
        raise ValueError("password is no argon2id hash; `tocsin secrets hash` makes one of a password")
