"""Carries one message through apprise, in threads of its own, and says what became of it in our own errors.

E-mail and apprise stand on this. apprise is blocking, sleeps between sends of one object, shares its threads between
all services, retries by itself and logs whole payloads; so each message gets a fresh object and a thread of this
courier's few, retries stay off, and its log is kept from every handler but the capture that says why a send failed.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from alerting.notify.contract import Refusal, Status, Unanswered, Unreachable
from alerting.notify.render import one_line
from foundation.secret import Secret

_THREADS = 4
_TOLD_CHARACTERS = 200
_SMTP_CODE = re.compile(r"\((\d{3}), b|refused: (\d{3}) ")
_HTTP_CODE = re.compile(r"\berror=(\d{3})\b")
_TWILIO_CODE = re.compile(r"\berror=(2[01]\d{3})\b")
"""From 20000 on they are a status of HTTP or near it, from 21000 on they say what is wrong with the request."""
_NOT_CONNECTED = re.compile(
    r"\[Errno -?\d+\] (Connection refused|Name or|No address|No route|Network is)|ConnectTimeout"
)
_TWILIO_BASE = 20_000
_SMTP_NEVER = 500
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What apprise is handed: where to (a URL or its parts; both may hold secrets), and the words.

    `is_html` says of the body that it is HTML. `fits` asks apprise to cut the words to what the service takes; else
    they go out whole.
    """

    to: Mapping[str, Any] | str
    title: str
    body: str
    status: Status
    severity: str
    is_html: bool = False
    fits: bool = False


def knows(url: str) -> bool:
    """Whether apprise can make a service of `url`."""
    import apprise  # noqa: PLC0415 - 0.25 s and 35 MiB, which only those who use it shall pay

    _hush()
    return apprise.Apprise.instantiate(url) is not None


class Courier:
    """Sends letters for one receiver. `secrets` are taken out of whatever is told about a failure."""

    def __init__(self, service: str, *, timeout_s: float, secrets: Sequence[Secret]) -> None:
        self._service = service
        self._timeout_s = timeout_s
        self._secrets = secrets
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"notify-{service}")
        _hush()

    async def carry(self, letter: Letter) -> None:
        """Returns when the service has it. Raises Unreachable or Refusal."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                told = await loop.run_in_executor(self._threads, _deliver, letter, self._timeout_s / 2)
        except TimeoutError:
            raise Unanswered(f"{self._service} did not answer within {self._timeout_s:g} s") from None
        if told is not None:
            self._judge(told)

    def _judge(self, told: Sequence[str]) -> None:
        text = "\n".join(told)
        words = f"{self._service} did not take the message: {self._redact(told)}"
        smtp = [int(first or second) for first, second in _SMTP_CODE.findall(text)]
        http = [int(code) for code in _HTTP_CODE.findall(text)]
        twilio = [int(code) for code in _TWILIO_CODE.findall(text)]
        never = [code >= _SMTP_NEVER for code in smtp]
        never += [_is_final(code) for code in http] + [_is_final_for_twilio(code) for code in twilio]
        if never and all(never):
            raise Refusal(words)
        if never or _NOT_CONNECTED.search(text):
            raise Unreachable(words)
        raise Unanswered(words)

    def _redact(self, told: Sequence[str]) -> str:
        text = "; ".join(told) or "no reason given"
        for secret in self._secrets:
            for part in {secret.reveal(), *re.split(r"[/:@?&=]+", secret.reveal())}:
                text = text.replace(part, "***") if len(part) > 3 else text  # noqa: PLR2004 - shorter is no secret
        return one_line(text, _TOLD_CHARACTERS)

    async def close(self) -> None:
        """Let threads go; one that hangs ends by its own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _deliver(letter: Letter, patience_s: float) -> list[str] | None:
    """In a thread: None when sent, else what apprise says about the failure. `patience_s` bounds each network step."""
    import apprise  # noqa: PLC0415 - as above, and in the thread it does not hold up the loop

    asset = apprise.AppriseAsset(
        async_mode=False,
        service_timeout=0,
        app_id="Tocsin",
        app_desc="Tocsin",
        app_url="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    to = dict(letter.to) if isinstance(letter.to, Mapping) else letter.to
    service = apprise.Apprise.instantiate(to, asset=asset)
    if service is None:
        return ["error=400 apprise cannot read the address"]
    service.retry = 0
    if letter.fits:
        service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.socket_connect_timeout = patience_s
    service.socket_read_timeout = patience_s
    carrier = apprise.Apprise(asset=asset)
    carrier.add(service)
    with carrier.notify(
        letter.body,
        title=letter.title,
        notify_type=_notify_type(letter),
        body_format=apprise.NotifyFormat.HTML if letter.is_html else apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
        log_level=logging.DEBUG,
    ) as result:
        return None if result else [entry.message for entry in result.logs() if _tells(entry)]


def _is_final(code: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in _LATER


def _is_final_for_twilio(code: int) -> bool:
    status = code - _TWILIO_BASE
    return status not in _LATER and not HTTPStatus.INTERNAL_SERVER_ERROR <= status < 1000  # noqa: PLR2004 - 20999 is the last


def _tells(entry: Any) -> bool:
    """Warnings say what failed, the debug line of the exception says why; the rest is payload."""
    return entry.level in ("WARNING", "ERROR") or "Exception: " in entry.message


def _notify_type(letter: Letter) -> str:
    if letter.status is Status.RESOLVED:
        return "success"
    return "failure" if letter.severity == "critical" else "warning"


def _hush() -> None:
    """Keep apprise's log, which holds payloads and addresses, away from our handlers and from stderr."""
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.DEBUG)
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
