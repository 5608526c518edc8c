"""E-mail over SMTP: one mail for each thing to say, as HTML and as plain text, threaded by incident.

Every mail of an incident refers to the same Message-ID, so mail readers put them into one thread. The invariants:
nothing from labels or templates can become a header (the subject is one line, addresses and references are checked or
our own); a message that is tried again goes only to those who have not got it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from alerting.notify.contract import Message, PartlyRefused, Refusal, Unanswered, Unreachable
from alerting.notify.courier import Courier, Letter
from alerting.notify.email_html import page
from alerting.notify.plugin import Deps
from alerting.notify.render import body, cut, headline
from alerting.notify.wording import Unsaid, Wording
from foundation.secret import Secret

_SUBJECT_CHARACTERS = 200
_MOST_ROUNDS = 1_000
_BARE = r"[A-Za-z0-9.!#$%&*+/=?^_`{|}~-]+@(?:[A-Za-z0-9-]+\.)*(?!\d+\b)[A-Za-z0-9-]{2,}"
_ADDRESS = re.compile(rf"{_BARE}|[^<>,;:@\"\\]*<{_BARE}>")
_FORMS = "smtp://user:password@host:port, smtps://... or smtp+starttls://..."
_MODES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {"smtp": ("insecure", 25), "smtps": ("ssl", 465), "smtp+starttls": ("starttls", 587)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfig:
    """`smtp` is the server: smtp:// (plain), smtps:// (TLS) or smtp+starttls://, with credentials if it wants them.

    `from` is the user of `smtp` where that is an address, else `tocsin@` the domain of the first recipient. `subject`
    and `body` are Jinja2 templates of plain text; `body` takes the place of what is said of the alerts.
    """

    to: str | tuple[str, ...]
    smtp: Secret
    from_: str = ""
    subject: str | None = None
    body: str | None = None

    def __post_init__(self) -> None:
        if not self.recipients:
            raise ValueError("to is empty; give one address or a list of them")
        for address in (*self.recipients, self.sender):
            if not _is_address(address):
                raise ValueError(f"{address!r} is not an e-mail address; write it as ops@example.org")
        _server(self.smtp)
        _ = self.words

    @property
    def words(self) -> _Words:
        """Its templates. Raises ValueError."""
        return _Words(
            subject=Wording("subject", self.subject) if self.subject is not None else None,
            body=Wording("body", self.body) if self.body is not None else None,
        )

    @property
    def recipients(self) -> tuple[str, ...]:
        """Addresses to write to."""
        return (self.to,) if isinstance(self.to, str) else self.to

    @property
    def sender(self) -> str:
        """The address that the mail comes from."""
        user = unquote(_server(self.smtp).username or "")
        return self.from_ or (
            user if _is_address(user) else f"tocsin@{self.recipients[0].rpartition('@')[2].rstrip('>')}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The templates of a receiver; where there is none, or it fails, the usual words."""

    subject: Wording | None
    body: Wording | None

    def title(self, message: Message, now: datetime) -> str:
        if self.subject is not None:
            with contextlib.suppress(Unsaid):
                return cut(self.subject.line(message, now), _SUBJECT_CHARACTERS)
        return cut(headline(message), _SUBJECT_CHARACTERS)

    def page(self, message: Message, now: datetime) -> str:
        if self.body is None:
            return page(message, now)
        try:
            return page(message, now, self.body.lines(message, now))
        except Unsaid as error:
            return page(message, now, remark=str(error))


@dataclass(slots=True)
class _Round:
    """How far a message has come: who has it, and what the server said for good about the others."""

    message: Message
    taken: set[str] = field(default_factory=set)
    refused: dict[str, Refusal] = field(default_factory=dict)

    def judge(self, later: list[Unreachable]) -> None:
        """Return where all have it. Raises the error that says what is to be done about those who have not."""
        if later:
            is_doubtful = self.taken or any(isinstance(error, Unanswered) for error in later)
            raise Unanswered(str(later[0])) if is_doubtful else later[0]
        for refusal in self.refused.values():
            raise PartlyRefused(str(refusal)) if self.taken else refusal


class Email:
    """Sends through one SMTP server to one set of people, a mail for each."""

    def __init__(self, config: EmailConfig, deps: Deps) -> None:
        self._config = config
        self._words = config.words
        password = Secret(unquote(_server(config.smtp).password or ""))
        self._courier = Courier("e-mail", timeout_s=deps.timeout_s, secrets=(password,))
        self._rounds: dict[str, _Round] = {}

    async def send(self, message: Message, *, now: datetime) -> None:
        """Hand a mail for each recipient to the server. Raises Unreachable (try again) or Refusal (never)."""
        going = self._round(message)
        left = [to for to in self._config.recipients if to not in going.taken and to not in going.refused]
        found = await asyncio.gather(*(self._hand_over(to, going, now) for to in left))
        later = [error for error in found if error is not None]
        if not later:
            self._rounds.pop(message.incident, None)
        going.judge(later)

    def _round(self, message: Message) -> _Round:
        """The round of a message that was tried before, else a new one. An incident has one at a time."""
        known = self._rounds.pop(message.incident, None)
        going = known if known is not None and known.message == message else _Round(message)
        self._rounds[message.incident] = going
        if len(self._rounds) > _MOST_ROUNDS:
            del self._rounds[next(iter(self._rounds))]
        return going

    async def _hand_over(self, to: str, going: _Round, now: datetime) -> Unreachable | None:
        message = going.message
        letter = Letter(
            to=self._mailto(message.incident, to),
            title=self._words.title(message, now),
            body=self._words.page(message, now),
            is_html=True,
            status=message.status,
            severity=message.severity,
        )
        try:
            await self._courier.carry(letter)
        except Refusal as refusal:
            going.refused[to] = refusal
        except Unreachable as error:
            return error
        else:
            going.taken.add(to)
        return None

    def _mailto(self, incident: str, to: str) -> dict[str, Any]:
        server = _server(self._config.smtp)
        mode, port = _MODES[server.scheme]
        thread = f"<{re.sub(r'[^A-Za-z0-9._-]', '-', incident)}@tocsin>"
        return {
            "schema": "mailto" if mode == "insecure" else "mailtos",
            "host": server.hostname,
            "smtp_host": server.hostname,
            "port": server.port or port,
            "secure": mode != "insecure",
            "secure_mode": mode,
            "user": unquote(server.username) if server.username else None,
            "password": unquote(server.password) if server.password else None,
            "from_addr": self._config.sender,
            "targets": [to],
            "format": "html",
            "headers": {"References": thread, "In-Reply-To": thread, "Auto-Submitted": "auto-generated"},
        }

    async def close(self) -> None:
        """Let threads go."""
        await self._courier.close()


def _is_address(text: str) -> bool:
    return text.isprintable() and bool(_ADDRESS.fullmatch(text))


def _server(smtp: Secret) -> SplitResult:
    """The parts of the server's address. Raises ValueError, which does not tell the password."""
    problem = f"smtp is not the address of a mail server; write {_FORMS}"
    try:
        parts = urlsplit(smtp.reveal())
        good = parts.scheme in _MODES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(problem) from None
    if not good:
        raise ValueError(problem)
    return parts


def preview(config: EmailConfig, message: Message, now: datetime) -> str:
    """The mail: its headers that people see, and its text."""
    words = config.words
    subject = words.title(message, now)
    text = "\n".join((*words.body.lines(message, now), "")) if words.body else body(message, now)
    return f"From: {config.sender}\nTo: {', '.join(config.recipients)}\nSubject: {subject}\n\n{text}"
