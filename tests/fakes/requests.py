"""Requests as bytes on the wire: of every kind, and cut into whatever pieces a network makes of them."""

import gzip
import itertools
from collections.abc import Sequence

from hypothesis import strategies as st


def post(path: str, body: bytes, *headers: str) -> bytes:
    head = [f"POST {path} HTTP/1.1", "Host: x", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


BODIES = st.sampled_from(
    [
        b"m f=1 10",
        b"m f=2 20\n",
        b'm,a=b f=3,g="x y" 30\nm,a=c f=4 40\n',
        b"m f=5",
        b"m f=6\r\n",
        b"m f=7i 70",
        b'm s="a\nb" 80',
        b'm s="open 90',
        "m,a=ü f=9 90".encode(),
        b"m,a=\xff f=9 90",
        b"rubbish",
        b"m f=1 10\nrubbish\nm f=2 20",
        b"# nothing but words",
        b"\n",
        b"",
        b"m f=1 99999999999999999999",
        b'{"device": "d", "t": 1, "time": 5}',
    ]
)
TARGETS = st.sampled_from(
    [
        "/api/v2/write",
        "/api/v2/write?bucket=b&org=o&precision=ns",
        "/api/v2/write?bucket=b&precision=s",
        "/api/v2/write?precision=no",
        "/write?db=b",
        "/write?db=b&precision=h",
        "/write?db=b%20c&p=wrong",
        "/v1/telemetry",
        "/query?q=SHOW%20DATABASES",
        "/nothing",
        "/write?db=%00",
    ]
)
HEADERS = st.lists(
    st.sampled_from(
        ["User-Agent: u", "Content-Type: text/plain", "Connection: keep-alive", "Expect: 100-continue", "X-A: \tb "]
    ),
    max_size=3,
    unique=True,
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is HTTP, whatever it asks for."""
    target, body, headers = draw(TARGETS), draw(BODIES), draw(HEADERS)
    match draw(st.sampled_from(["plain", "plain", "plain", "gzip", "bad gzip", "chunked"])):
        case "plain":
            return post(target, body, *headers)
        case "gzip":
            return post(target, gzip.compress(body, mtime=0), "Content-Encoding: gzip", *headers)
        case "bad gzip":
            return post(target, b"no" + body, "Content-Encoding: gzip", *headers)
        case _:
            head = [f"POST {target} HTTP/1.1", "Host: x", *headers, "Transfer-Encoding: chunked", "", ""]
            size = b"%x\r\n" % len(body) + body + b"\r\n" if body else b""
            return "\r\n".join(head).encode() + size + b"0\r\n\r\n"


@st.composite
def splits(draw: st.DrawFn, parts: Sequence[bytes]) -> list[bytes]:
    """The parts as one stream, cut where they meet and anywhere else, or not at all.

    But not within a request that expects 100: whether the connection ends with its refusal hangs on how fast its rest
    comes, which is no matter of the lane's.
    """
    stream = b"".join(parts)
    ends = list(itertools.accumulate(map(len, parts)))
    cuts = {at for at in ends if draw(st.booleans())} | draw(st.sets(st.integers(0, len(stream)), max_size=3))
    expecting = [range(end - len(part) + 1, end) for part, end in zip(parts, ends, strict=True) if b"Expect" in part]
    edges = [0, *sorted(at for at in cuts if not any(at in one for one in expecting)), len(stream)]
    return [piece for a, b in itertools.pairwise(edges) if (piece := stream[a:b])]
