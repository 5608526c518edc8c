"""The plainest head of a POST, read strictly; pure. The lane asks, for heads that it has not seen before.

What is read of its fields also serves the shortcut, for the plainest GET.

Invariant: what is read here frames its request beyond doubt (RFC 9112): one length, no transfer coding, nothing that
two parsers could take in two ways. Every other head is None, and aiohttp's parser reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_REQUEST_LINE = re.compile(rb"POST (/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*) HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+\-.^_`|~]+):[ \t]*([\t\x20-\x7e]*)")
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,8}")
_GZIP = (b"gzip", b"x-gzip")
_MOST_BYTES = 2048
_MOST_FIELDS = 40
_NOT_PLAIN = frozenset(
    {b"transfer-encoding", b"te", b"trailer", b"expect", b"upgrade", b"proxy-connection", b"sec-websocket-key1"}
)
"""Fields that change how a request is framed or answered."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a write needs of its head. `body_bytes` is the length of the body as it arrives."""

    target: str
    body_bytes: int
    authorization: str | None
    gzip: bool


def read_head(head: bytes) -> Head | None:
    """Read a head without the empty line behind it; None for one that is not of the plainest kind."""
    if len(head) > _MOST_BYTES:
        return None
    first, *rest = head.split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    fields = None if line is None else read_fields(rest)
    return None if line is None or fields is None else _plain(line[1], fields)


def read_fields(lines: Sequence[bytes]) -> dict[bytes, bytes] | None:
    """The fields of a client that stays, by their names in small letters; None for any that are not plain."""
    if len(lines) > _MOST_FIELDS:
        return None
    fields: dict[bytes, bytes] = {}
    for one in lines:
        found = _FIELD.fullmatch(one)
        if found is None:
            return None
        name = found[1].lower()
        if name in fields or name in _NOT_PLAIN:
            return None
        fields[name] = found[2].rstrip(b" \t")
    if not fields.get(b"host") or fields.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    return fields


def _plain(target: bytes, fields: dict[bytes, bytes]) -> Head | None:
    length = fields.get(b"content-length", b"")
    coding = fields.get(b"content-encoding")
    if not _LENGTH.fullmatch(length) or coding not in (None, *_GZIP):
        return None
    authorization = fields.get(b"authorization")
    return Head(
        target.decode("ascii"),
        int(length),
        None if authorization is None else authorization.decode("ascii"),
        coding is not None,
    )
