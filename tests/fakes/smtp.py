"""A real SMTP server (aiosmtpd) on a free loopback port, which can be told to refuse or to hang."""

from __future__ import annotations

import asyncio
import email
import email.policy
import warnings
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class FakeSmtp:
    """`mails` are what it took, parsed; `answer` is its verdict on DATA, `recipient_answer` on each RCPT, where
    `recipient_answers` says nothing else for that address.
    """

    def __init__(self, *, login: tuple[str, str] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.attempts = 0
        self.answer = "250 taken"
        self.recipient_answer = "250 OK"
        self.recipient_answers: dict[str, str] = {}
        self.hanging = False
        self._login = login
        self._server: asyncio.Server | None = None
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.attempts += 1
        answer = self.recipient_answers.get(address, self.recipient_answer)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.hanging:
            await asyncio.sleep(3600)
        if self.answer.startswith("2") and isinstance(envelope.content, bytes):
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, credentials: Any
    ) -> AuthResult:
        expected = self._login
        good = (
            expected is not None
            and isinstance(credentials, LoginPassword)
            and (credentials.login.decode(), credentials.password.decode()) == expected
        )
        return AuthResult(success=good, handled=good)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _serve(self) -> SMTP:
        if self._login is None:
            return SMTP(self)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(self, auth_required=True, auth_require_tls=False, authenticator=self._authenticate)


def plain_text(mail: EmailMessage) -> str:
    """What a reader without HTML shows."""
    return _part(mail, "plain")


def html(mail: EmailMessage) -> str:
    """What other readers show."""
    return _part(mail, "html")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
