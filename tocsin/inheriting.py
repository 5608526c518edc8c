"""Which sockets a process starts with: those of the process that it takes over from, or a service manager's."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence

from foundation import handover, listen
from foundation.errors import ConfigError
from foundation.handover import Sockets
from foundation.logs import logger
from foundation.web import Address
from tocsin.check import demand_sound
from tocsin.config import TocsinConfig

_log = logger("tocsin.inheriting")
_PATIENCE_S = 90.0
"""More than a process needs that stops each of its roles in the time that it has for it."""


def inherit(config: TocsinConfig, roles: Sequence[str], env: Mapping[str, str], *, take_over: bool) -> Sockets:
    """Role -> sockets; a role that is not named listens anew. With `take_over` the process before has ended by now.

    Raises ConfigError. What a start would find wrong is found before anybody is asked to go.
    """
    passed = handover.from_manager(roles, env, os.getpid())
    for role, sockets in passed.items():
        for one in sockets:
            _demand_same(config, role, one)
    if not take_over:
        return passed
    demand_sound(config)
    taken = handover.take_over(config.state, roles, patience_s=_PATIENCE_S)
    if not taken:
        _log.info("nobody to take over from; starting anew", state=config.state)
    kept = {role: sockets for role, sockets in taken.items() if _all_wanted(config, role, sockets)}
    listen.announce(config.state, {role: str(_address(sockets[0])) for role, sockets in kept.items()}, os.getpid())
    return {**passed, **kept}


def _demand_same(config: TocsinConfig, role: str, passed: socket.socket) -> None:
    if not _wanted(config, role, passed):
        where = f"{role}.listen is {getattr(config, role).listen}, but the service manager passes {_address(passed)}"
        raise ConfigError(f"{where}; make both the same")


def _all_wanted(config: TocsinConfig, role: str, sockets: Sequence[socket.socket]) -> bool:
    if all(_wanted(config, role, one) for one in sockets):
        return True
    _log.warning("another address is configured by now", role=role, before=_address(sockets[0]))
    for one in sockets:
        one.close()
    return False


def _wanted(config: TocsinConfig, role: str, found: socket.socket) -> bool:
    wanted, has = Address.parse(getattr(config, role).listen), _address(found)
    same_host = wanted.host == has.host or (wanted.host == "localhost" and has.loopback)
    return same_host and wanted.port in (0, has.port)


def _address(found: socket.socket) -> Address:
    host, port = found.getsockname()[:2]
    return Address(str(host), int(port))
