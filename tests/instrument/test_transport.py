"""The POST itself, to real sockets: a token, a proxy that closes idle connections, servers that never answer or end."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.servers import deaf_port
from tocsin_instrument import Settings
from tocsin_instrument.transport import HttpTransport

TAKEN = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


def request_of(link: socket.socket) -> bytes:
    """The head of a request and its body in clear; what came of it, where its sender gave up."""
    whole = b""
    while (piece := link.recv(65_536)) and b"\r\n\r\n" not in (whole := whole + piece):
        pass
    head, _, body = whole.partition(b"\r\n\r\n")
    length = int((head.lower() + b"content-length: 0").split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length and (piece := link.recv(65_536)):
        body += piece
    return head + b"\n" + (gzip.decompress(body) if body and len(body) == length else b"")


@contextmanager
def answering(*answers: bytes, then_close: bool = True) -> Iterator[tuple[int, list[bytes]]]:
    """A port, and the requests that came: one connection after the other, each told one answer."""
    heard: list[bytes] = []
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            for answer in answers:
                link, _ = door.accept()
                link.settimeout(60.0)
                heard.append(request_of(link))
                link.sendall(answer)
                if then_close:
                    link.close()
                else:
                    kept.append(link)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield door.getsockname()[1], heard
        serving.join(60.0)
    for link in kept:
        link.close()


@contextmanager
def to(port: int, timeout_s: float = 60.0) -> Iterator[HttpTransport]:
    """A transport to that port, which is closed in the end."""
    address = f"http://127.0.0.1:{port}"
    transport = HttpTransport(Settings(url=address, token="t0ken", bucket="a b", timeout_s=timeout_s))
    try:
        yield transport
    finally:
        transport.close()


def test_a_post_is_what_the_write_api_takes() -> None:
    """Bucket, precision, token and gzip."""
    with answering(TAKEN) as (port, heard), to(port) as transport:
        assert transport.send(b"m f=1 1").status == 204
    assert heard[0].startswith(b"POST /api/v2/write?bucket=a%20b&precision=ns HTTP/1.1\r\n")
    assert b"Authorization: Token t0ken" in heard[0]
    assert heard[0].endswith(b"\nm f=1 1")


def test_a_connection_that_was_closed_while_idle_is_made_anew_at_once() -> None:
    """An app with few visitors sends seldom; what a proxy does with idle connections is no trouble worth a word."""
    with answering(TAKEN, TAKEN) as (port, heard), to(port) as transport:
        assert [transport.send(body).status for body in (b"a f=1 1", b"b f=1 2")] == [204, 204]
    assert [one.rpartition(b"\n")[2] for one in heard] == [b"a f=1 1", b"b f=1 2"]


def test_nobody_there_is_an_error_at_once() -> None:
    """Once, not twice: the pusher waits."""
    with deaf_port() as port, to(port) as transport, pytest.raises(ConnectionRefusedError):
        transport.send(b"a f=1 1")


def test_whoever_never_answers_is_left_after_a_while() -> None:
    """And a second try begins with a new connection."""
    with answering(b"", TAKEN, then_close=False) as (port, _):
        with to(port, timeout_s=0.05) as hasty, pytest.raises(TimeoutError):
            hasty.send(b"a f=1 1")
        with to(port) as patient:
            assert patient.send(b"a f=1 1").status == 204


def test_of_an_answer_without_an_end_the_beginning_is_read() -> None:
    """Whatever stands at the address, memory is bounded; the words are cut."""
    endless = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 8_192
    with answering(endless, TAKEN, then_close=False) as (port, _), to(port) as transport:
        assert transport.send(b"a f=1 1").told == "x" * 300
        assert transport.send(b"a f=1 1").status == 204
