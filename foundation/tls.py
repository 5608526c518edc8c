"""TLS by files: the side that listens, and ours when we speak to it ourselves.

A role's socket takes `Certificates.listening`, those of ours that ask it `trust`. Invariants: every file is
read and tried out in a handshake of our own before it is put in force; a renewed certificate holds for the next
handshake without a restart; a file with an error changes nothing.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

from foundation.errors import ConfigError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MOST_ROUNDS = 8
"""Turns of one side that a handshake takes at most; TLS 1.2 takes four."""

Stamp = tuple[tuple[int, int, int] | None, ...]
Trust = ssl.SSLContext | Literal[True]
"""Whose certificate the other side's may be: True means any that this machine trusts, for the name that is dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """TLS 1.2 or later. `certificate` (its chain behind it) and `key` are PEM files; `client_ca` asks for mutual TLS.

    `client`: whether everybody has to present a certificate of `client_ca`, or whoever does must have a good one. With
    it our own roles and commands present `own_certificate` and `own_key`; left out: `certificate` and `key`. Renewed
    files are taken up without a restart.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None
    client: Literal["required", "optional"] = "required"
    own_certificate: Path | None = None
    own_key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse half of a pair."""
        if (self.own_certificate is None) != (self.own_key is None):
            raise ValueError("own_certificate and own_key belong together; give both or none")
        if self.own_certificate is not None and self.client_ca is None:
            raise ValueError("own_certificate is for mutual TLS; give client_ca too, or leave it out")


class Certificates:
    """The listening side. `listening` is given to a socket once; `look` puts changed files in force behind it."""

    def __init__(self, config: TlsConfig, role: str = "collector") -> None:
        """Read every file. Raises ConfigError, which names the keys of `role`'s section."""
        self._config, self._role = config, role
        self._read = self._seen = stamp(config)
        self.listening, self.expires = load(config, role)
        self._current = self.listening
        self.listening.sni_callback = self._switch

    def look(self) -> bool:
        """Whether changed files were put in force; those that are still being written wait for the next look.

        Raises ConfigError for files with an error; what was in force stays so.
        """
        found = stamp(self._config)
        at_rest, self._seen = found == self._seen, found
        if not at_rest or found == self._read:
            return False
        self._read = found
        self._current, self.expires = load(self._config, self._role)
        return True

    def _switch(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called in every handshake, with a server name or without."""
        if connection.context is not self._current:
            connection.context = self._current


def load(config: TlsConfig, role: str = "collector") -> tuple[ssl.SSLContext, float]:
    """The context to listen with, and when its certificate expires, in seconds since 1970.

    Raises ConfigError, which names the keys of `role`'s section.
    """
    context, certificate = _tried(config, role)
    return context, ssl.cert_time_to_seconds(str(certificate["notAfter"]))


def presented(config: TlsConfig, role: str = "collector") -> Mapping[str, Any]:
    """The certificate that whoever connects is shown, as `getpeercert` gives it. Raises ConfigError."""
    return _tried(config, role)[1]


def _tried(config: TlsConfig, role: str) -> tuple[ssl.SSLContext, Mapping[str, Any]]:
    with _told_of(role):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        _present(context, "certificate", config.certificate, "key", config.key)
        if config.client_ca is not None:
            _ask_for(context, config.client_ca, config.client)
        return context, _shake_hands(context, trust(config, role), config)


def trust(config: TlsConfig, role: str = "collector") -> ssl.SSLContext:
    """The context with which we speak to a role of this configuration: it trusts that one certificate alone.

    So no name has to match: our own roles dial the address that listen.json gives. Raises ConfigError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    add_trust(context, config, role)
    return context


def add_trust(context: ssl.SSLContext, config: TlsConfig, role: str = "collector") -> None:
    """Let `context`, which `trust` made, trust the certificate as it is now, and present ours. Raises ConfigError."""
    with _told_of(role):
        _add_trust(context, config)


def _add_trust(context: ssl.SSLContext, config: TlsConfig) -> None:
    found = _CERTIFICATE.search(_text("certificate", config.certificate))
    if found is None:
        _not_pem("certificate", config.certificate, "certificate")
    try:
        context.load_verify_locations(cadata=found[0])
    except ssl.SSLError as error:
        raise _fault("certificate", config.certificate, f"is no certificate: {error}", "write it anew") from error
    if config.client_ca is None:
        return
    if config.own_certificate is not None and config.own_key is not None:
        _present(context, "own_certificate", config.own_certificate, "own_key", config.own_key)
    else:
        _present(context, "certificate", config.certificate, "key", config.key)


def stamp(config: TlsConfig) -> Stamp:
    """Changes when one of the files does."""
    return tuple(_stamp(path) for path in _files(config))


def name_of(certificate: Mapping[str, Any]) -> str:
    """Whose certificate it is, as `getpeercert` gives it: its common name, else its first alternative name, else ''."""
    named = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    named += [value for _, value in certificate.get("subjectAltName", ())]
    return str(named[0]) if named else ""


def _ask_for(context: ssl.SSLContext, client_ca: Path, client: str) -> None:
    context.verify_mode = ssl.CERT_REQUIRED if client == "required" else ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET  # a resumed session would outlive the authority that once let its client in
    text = _text("client_ca", client_ca)
    if not _CERTIFICATE.search(text):
        _not_pem("client_ca", client_ca, "certificate")
    try:
        context.load_verify_locations(cadata=text)
    except ssl.SSLError as error:
        raise _fault("client_ca", client_ca, f"cannot be read: {error}", "write it anew") from error


def _present(context: ssl.SSLContext, certificate_is: str, certificate: Path, key_is: str, key: Path) -> None:
    if not _CERTIFICATE.search(_text(certificate_is, certificate)):
        _not_pem(certificate_is, certificate, "certificate")
    if "PRIVATE KEY-----" not in _text(key_is, key):
        _not_pem(key_is, key, "private key")

    def encrypted() -> NoReturn:
        raise _fault(key_is, key, "is encrypted", "store it without a passphrase, readable by its owner alone")

    try:
        context.load_cert_chain(certificate, key, password=encrypted)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            mend = "name the key that it was made with"
            raise _fault(key_is, key, f"is not the key of {certificate}", mend) from error
        raise _fault(certificate_is, certificate, f"cannot be used with {key}: {error}", "write both anew") from error


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, config: TlsConfig) -> Mapping[str, Any]:
    """The server's certificate, after a handshake in memory. Raises ConfigError that says what is wrong with it."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there)
    theirs = server.wrap_bio(there, back, server_side=True)
    try:
        for _ in range(_MOST_ROUNDS):
            for side in (ours, theirs):
                _take_turn(side, config, listens=side is theirs)
    except ssl.SSLError as error:
        raise _fault("certificate", config.certificate, f"fails in a handshake: {error}", "write it anew") from error
    return ours.getpeercert() or {}


def _take_turn(side: ssl.SSLObject, config: TlsConfig, *, listens: bool) -> None:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return
    except ssl.SSLCertVerificationError as error:
        what = error.verify_message
        if listens:
            own = config.own_certificate or config.certificate
            mend = "own_certificate and own_key are what our own roles and commands present; have them issued by it"
            raise _fault("client_ca", config.client_ca, f"does not let in {own}: {what}", mend) from error
        raise _fault("certificate", config.certificate, f"nobody would accept it: {what}", "renew it") from error


def _files(config: TlsConfig) -> Iterator[Path]:
    every = (config.certificate, config.key, config.client_ca, config.own_certificate, config.own_key)
    return (path for path in every if path is not None)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _text(setting: str, path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise _fault(
            setting, path, f"cannot be read: {error.strerror or error}", "mend the path or its rights"
        ) from error


def _not_pem(setting: str, path: Path, kind: str) -> NoReturn:
    raise _fault(setting, path, f"holds no {kind} in PEM form", f"it begins with -----BEGIN and holds the {kind}")


class _Fault(Exception):
    """A fault of a file, told without saying whose setting names it."""


@contextmanager
def _told_of(role: str) -> Iterator[None]:
    """Say in whose section the setting stands. Raises ConfigError."""
    try:
        yield
    except _Fault as fault:
        raise ConfigError(f"{role}.tls.{fault}") from fault.__cause__


def _fault(setting: str, path: Path | None, what: str, mend: str) -> _Fault:
    return _Fault(f"{setting}: {path}: {what}; {mend}")
