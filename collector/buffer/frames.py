"""The format of a frame, pure: bytes in, bytes out. The writer packs, the walker parses; see docs/buffer-format.md.

    offset  size
         0     4  magic `TcF` and the version of the frame (2)
         4     4  CRC-32 of everything behind it: the rest of the header, source, account and payload
         8     4  length of the payload
        12     4  length of the lines when unpacked
        16     4  number of lines
        20     8  when the lines were accepted, nanoseconds since 1970
        28     2  length of the source
        30     2  length of the account
        32        source (UTF-8), account (JSON), then the payload: one whole gzip member, or nothing for no lines

Numbers are little endian. Version 1 has no account, and zero for its length. A frame that does not check is never half
trusted: it is skipped whole and counted. So lines and what the door counted of their bodies are durable together.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import orjson
from isal import igzip_lib, isal_zlib

from collector.ledger import CARRIED, RECEIVED, REJECTED, TAKEN_OUT, Terms

MAGIC = b"TcF"
"""Without the version, which is the byte behind it."""
HEADER = struct.Struct("<4sIIIIqHH")
SOURCE_MOST_BYTES = 512
_SHORT = SOURCE_MOST_BYTES // 4
_VERSIONS = (b"TcF\x01", b"TcF\x02")
_CRC_FROM = 8
_LEVEL = 1
"""igzip's level 1 is as fast as level 0 on telemetry and a quarter smaller."""
_MOST_ACCOUNT_BYTES = 0xFFFF
_OTHER_REASONS = "other"


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a payload. `size` is the whole frame in bytes."""

    crc: int
    payload_bytes: int
    unpacked_bytes: int
    lines: int
    accepted_ns: int
    source_bytes: int
    account_bytes: int

    @property
    def size(self) -> int:
        """Bytes from the magic to the end of the payload."""
        return HEADER.size + self.source_bytes + self.account_bytes + self.payload_bytes


def pack(body: bytes, lines: int, source: str, accepted_ns: int, terms: Terms) -> bytes:
    """One frame holding `body` as a gzip member, and what the door counted of the bodies that it is left of."""
    payload = igzip_lib.compress(body, _LEVEL, igzip_lib.COMP_GZIP) if body else b""
    name = source.encode("utf-8", "replace")[:SOURCE_MOST_BYTES]
    account = _encode(terms)
    header = HEADER.pack(_VERSIONS[-1], 0, len(payload), len(body), lines, accepted_ns, len(name), len(account))
    crc = isal_zlib.crc32(header[_CRC_FROM:])
    for part in (name, account, payload):
        crc = isal_zlib.crc32(part, crc)
    return b"".join((_VERSIONS[-1], crc.to_bytes(4, "little"), header[_CRC_FROM:], name, account, payload))


def short(source: str) -> str:
    """The source as a frame keeps it: one longer than 512 bytes is cut."""
    if len(source) <= _SHORT and source.isascii():
        return source
    return source.encode("utf-8", "replace")[:SOURCE_MOST_BYTES].decode("utf-8", "ignore")


def parse(data: bytes, at: int = 0) -> Header | None:
    """The header that begins at `at`, or None where none does. Nothing is checked but the magic."""
    if len(data) - at < HEADER.size or not data.startswith(_VERSIONS, at):
        return None
    _, *numbers = HEADER.unpack_from(data, at)
    return Header(*numbers)


def checks(data: bytes, at: int, header: Header) -> bool:
    """Whether the frame at `at` is there to its end and its CRC is right."""
    end = at + header.size
    return end <= len(data) and isal_zlib.crc32(memoryview(data)[at + _CRC_FROM : end]) == header.crc


def source(data: bytes, at: int, header: Header) -> str:
    """Who handed in the lines of the frame at `at`."""
    begin = at + HEADER.size
    return data[begin : begin + header.source_bytes].decode("utf-8", "ignore")


def account(data: bytes, at: int, header: Header) -> bytes:
    """The account of the frame at `at`, encoded; empty in version 1."""
    begin = at + HEADER.size + header.source_bytes
    return data[begin : begin + header.account_bytes]


def decode_account(encoded: bytes, lines: int) -> Terms:
    """What the door counted. Version 1 does not say: its lines were carried over from a release that wrote it."""
    if not encoded:
        return {(CARRIED, ""): lines}
    fields = orjson.loads(encoded)
    terms = Counter({(RECEIVED, ""): int(fields[RECEIVED])})
    for term in (REJECTED, TAKEN_OUT):
        for reason, count in fields.get(term, {}).items():
            terms[term, reason] += count
    return terms


def payload(data: bytes, at: int, header: Header) -> memoryview:
    """The gzip member of the frame at `at`, not copied."""
    end = at + header.size
    return memoryview(data)[end - header.payload_bytes : end]


def _encode(terms: Terms) -> bytes:
    fields: dict[str, int | dict[str, int]] = {RECEIVED: terms.get((RECEIVED, ""), 0)}
    for term in (REJECTED, TAKEN_OUT):
        reasons = {reason: lines for (of, reason), lines in terms.items() if of == term}
        if reasons:
            fields[term] = reasons
    encoded = orjson.dumps(fields)
    if len(encoded) <= _MOST_ACCOUNT_BYTES:
        return encoded
    sums = {term: sum(reasons.values()) for term, reasons in fields.items() if isinstance(reasons, dict)}
    return orjson.dumps({**fields, **{term: {_OTHER_REASONS: lines} for term, lines in sums.items()}})
