"""Heads that the fast lane reads itself: only what frames its request beyond doubt, and then as aiohttp reads it."""

import asyncio

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.head import Head, read_head

PLAIN = (b"POST /write?db=a%20b HTTP/1.1", b"Host: x:8086", b"Content-Length: 8")


def head(*lines: bytes) -> bytes:
    return b"\r\n".join(lines)


def test_a_plain_head_is_read():
    """Target, length, token and encoding; names in any case, blanks around values."""
    assert read_head(head(*PLAIN)) == Head("/write?db=a%20b", 8, None, gzip=False)
    more = (b"authorization: \tToken abc ", b"CONTENT-ENCODING:gzip", b"Connection: Keep-Alive", b"X-Empty:")
    assert read_head(head(*PLAIN, *more)) == Head("/write?db=a%20b", 8, "Token abc", gzip=True)


@pytest.mark.parametrize(
    "lines",
    [
        (*PLAIN, b"Content-Length: 8"),
        (*PLAIN, b"content-length: 9"),
        (*PLAIN, b"Transfer-Encoding: chunked"),
        (*PLAIN, b"Transfer-Encoding: identity"),
        (*PLAIN, b"Host: y"),
        (*PLAIN, b"Authorization: a", b"Authorization: b"),
        (*PLAIN, b"Expect: 100-continue"),
        (*PLAIN, b"Connection: close"),
        (*PLAIN, b"Connection: keep-alive, upgrade"),
        (*PLAIN, b"Proxy-Connection: close"),
        (*PLAIN, b"Upgrade: websocket"),
        (*PLAIN, b"Trailer: X"),
        (*PLAIN, b"Content-Encoding: deflate"),
        (*PLAIN, b"Content-Encoding: GZIP"),
        (*PLAIN, b"X-Folded: a", b" b"),
        (*PLAIN, b"X-Folded: a", b"\tb"),
        (*PLAIN, b"X Name: a"),
        (*PLAIN, b"X-Name : a"),
        (*PLAIN, b" X-Name: a"),
        (*PLAIN, b": a"),
        (*PLAIN, b"X-Name"),
        (*PLAIN, b"X-N\xc3\xa4me: a"),
        (*PLAIN, b"X-Name: \xff"),
        (*PLAIN, b"X-Name: a\0b"),
        (*PLAIN, b"X-Name: a\rb"),
        (*PLAIN, b"X-Name: a\nTransfer-Encoding: chunked"),
        (*PLAIN, b"X-Name: " + b"a" * 2048),
        (*PLAIN, *(b"X-%d: a" % number for number in range(41))),
        (*PLAIN[:2], b"Content-Length: +8"),
        (*PLAIN[:2], b"Content-Length: 08"),
        (*PLAIN[:2], b"Content-Length: 0x8"),
        (*PLAIN[:2], b"Content-Length: 8, 8"),
        (*PLAIN[:2], b"Content-Length: 8 8"),
        (*PLAIN[:2], b"Content-Length: -8"),
        (*PLAIN[:2], b"Content-Length:"),
        (*PLAIN[:2], b"Content-Length: 9999999999"),
        PLAIN[:2],
        (PLAIN[0], PLAIN[2]),
        (PLAIN[0], b"Host:", PLAIN[2]),
        (b"POST /write HTTP/1.0", *PLAIN[1:]),
        (b"POST /write HTTP/1.1 ", *PLAIN[1:]),
        (b"POST  /write HTTP/1.1", *PLAIN[1:]),
        (b"POST /wr\xc3\xa4te HTTP/1.1", *PLAIN[1:]),
        (b"POST /write#x HTTP/1.1", *PLAIN[1:]),
        (b"POST http://x/write HTTP/1.1", *PLAIN[1:]),
        (b"POST /write\nX: HTTP/1.1", *PLAIN[1:]),
        (b"post /write HTTP/1.1", *PLAIN[1:]),
        (b"GET /write HTTP/1.1", *PLAIN[1:]),
        (b"", *PLAIN),
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_left(lines: tuple[bytes, ...]):
    """RFC 9112's cases of smuggled requests among it; aiohttp's parser answers those."""
    assert read_head(head(*lines)) is None


PIECES = st.sampled_from(
    [
        *PLAIN,
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b",",
        b"0",
        b"8",
        b"+",
        b"\0",
        b"\x80",
        b"Content-Length: 3",
        b"Content-Encoding: gzip",
        b"Transfer-Encoding: chunked",
        b"Connection: keep-alive",
        b"Connection: close",
        b"Expect: 100-continue",
        b"Authorization: Token t",
        b"X: y",
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A plain head in which pieces were put in, or out, or written over."""
    text = head(*PLAIN, *draw(st.lists(PIECES, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(PIECES | st.binary(max_size=2)) + text[at + draw(st.integers(0, 3)) :]
    return text


class _Protocol(asyncio.Protocol):
    """What aiohttp's parser asks of a protocol."""

    def pause_reading(self) -> None:
        """Nothing is paused."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Nothing was paused."""


async def aiohttp_reads(text: bytes, body: bytes) -> tuple[str, int, bool] | None:
    """Target, length of the body and whether the connection stays, of the one request that the bytes are to aiohttp."""
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(_Protocol(), loop, 1 << 20, max_line_size=1 << 16, auto_decompress=False)
    try:
        messages, upgraded, tail = parser.feed_data(text + b"\r\n\r\n" + body)
    except HttpProcessingError:
        return None
    if len(messages) != 1 or upgraded or tail:
        return None
    message, payload = messages[0]
    if message.method != "POST" or not payload.is_eof() or message.chunked or "Expect" in message.headers:
        return None
    return message.path, len(payload.read_nowait() if body else b""), not message.should_close


@settings(max_examples=400, deadline=None)
@given(mangled())
def test_what_is_read_is_one_request_to_aiohttp_too(text: bytes):
    """The same target and exactly the same body: no byte of it can become another request."""
    read = read_head(text)
    if read is None or read.body_bytes > 100_000:
        return
    seen = asyncio.run(aiohttp_reads(text, b"x" * read.body_bytes))
    assert seen == (read.target, read.body_bytes, True)
