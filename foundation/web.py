"""What every HTTP side of the product shares: addresses, sites that start and stop, JSON answers, /metrics."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import prometheus_client
from aiohttp import web
from prometheus_client import CollectorRegistry

from foundation.errors import ConfigError

_BACKLOG = 1024
_HANDSHAKE_S = 10.0
_GOODBYE_S = 2.0
_LINGER_S = 0.1
"""After the sockets are handed over: whoever was accepted just before has this long to ask."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a role accepts. `port` 0 asks the system for a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """`127.0.0.1:8186`, `[::1]:8186` or `:8186` (every interface). Raises ValueError."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port there is
            raise ValueError(f"{text!r} is not an address; write HOST:PORT, as in 127.0.0.1:8186")
        return cls(host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port))  # noqa: S104 - asked for by ':PORT'

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, with a host that can be dialled where every interface was meant."""
        return self.at("http")

    def at(self, scheme: str) -> str:
        """The same as a URL of another scheme."""
        dialled = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - translated, not bound
        return f"{scheme}://{Address(dialled, self.port)}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(slots=True)
class Listening:
    """What a role listens with: the sockets of the process before it in place of new ones, and TLS where it is wanted.

    `servers` hold the sockets it really listens on; `handed_over`, once the process after it has them: whoever is
    connected is then served to the end, for nobody else will.
    """

    inherited: tuple[socket.socket, ...] = ()
    tls: ssl.SSLContext | None = None
    servers: list[asyncio.Server] = field(default_factory=list)
    handed_over: bool = False

    def filenos(self) -> list[int]:
        """The descriptors of the sockets it listens on."""
        return [one.fileno() for server in self.servers for one in server.sockets]


class Site:
    """An application (or bare handler) bound to an address; stopping closes it within `shutdown_s` seconds."""

    def __init__(
        self,
        app: web.Application | web.Server,
        address: Address,
        *,
        listening: Listening | None = None,
        shutdown_s: float = 2.0,
    ) -> None:
        self._address = address
        self._listening = listening or Listening()
        self._shutdown_s = shutdown_s
        self._runner: web.AppRunner | web.ServerRunner
        if isinstance(app, web.Application):
            self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=shutdown_s)
        else:
            self._runner = web.ServerRunner(app, shutdown_timeout=shutdown_s)

    async def start(self) -> Address:
        """Listen, and return the address really bound. Raises ConfigError when it is taken."""
        await self._runner.setup()
        listening = self._listening
        try:
            if listening.inherited:
                for one in listening.inherited:
                    listening.servers.append(await self._serve(sock=one))
            else:
                listening.servers.append(await self._serve(host=self._address.host, port=self._address.port))
        except OSError as error:
            self.close()
            await self._runner.cleanup()
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error  # asyncio's own text is long
            mend = "choose another with `listen` in its section, or with a variable such as TOCSIN_COLLECTOR_LISTEN"
            raise ConfigError(f"cannot listen on {self._address}: {why}; {mend}") from error
        return Address(self._address.host, int(listening.servers[0].sockets[0].getsockname()[1]))

    def close(self) -> None:
        """Stop accepting."""
        for server in self._listening.servers:
            server.close()

    async def stop(self) -> None:
        """Stop accepting, let running requests finish, close."""
        self.close()
        if self._listening.handed_over:
            await asyncio.sleep(_LINGER_S)
        async with asyncio.timeout(self._shutdown_s + 1.0):
            await self._runner.cleanup()

    async def _serve(self, **where: Any) -> asyncio.Server:
        tls = self._listening.tls
        if tls is not None:
            where |= {"ssl": tls, "ssl_handshake_timeout": _HANDSHAKE_S, "ssl_shutdown_timeout": _GOODBYE_S}
        factory: Any = self._runner.server
        return await asyncio.get_running_loop().create_server(factory, backlog=_BACKLOG, **where)


def answer(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """`data` as JSON."""
    body = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")


def metrics_response(registry: CollectorRegistry) -> web.Response:
    """Everything in `registry` in Prometheus' text format."""
    body = prometheus_client.generate_latest(registry)
    return web.Response(body=body, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})
