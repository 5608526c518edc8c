"""Asking over real HTTP: redirects lead nowhere, answers without end are cut off, refusals are read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from foundation.clock import SystemClock
from tocsin.doctor.web import Denied, Door, Unreached, Wire, shown


class _Replies(BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = b'{"error": "not for you"}'
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing is printed."""


@pytest.fixture
def server() -> Iterator[tuple[Door, list[str]]]:
    seen: list[str] = []
    replies = type("Replies", (_Replies,), {"seen": seen})
    with HTTPServer(("127.0.0.1", 0), replies) as server:
        thread = threading.Thread(target=server.serve_forever, name="replies")
        thread.start()
        yield Door(Wire(SystemClock(), patience_s=30.0), f"http://127.0.0.1:{server.server_port}"), seen
        server.shutdown()
        thread.join()


def test_a_redirect_is_not_followed(server: tuple[Door, list[str]]) -> None:
    """What is behind it was never configured."""
    door, seen = server

    assert door.ask("/away").status == 302
    assert seen == ["/away"]


def test_a_proxy_of_the_environment_is_not_used(
    server: tuple[Door, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody in between learns what is asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    door, seen = server

    with pytest.raises(Denied, match=r"/health: not for you \(HTTP 403\)$"):
        door.json("/health")
    assert seen == ["/health"]


def test_a_password_in_a_url_is_neither_sent_nor_told(server: tuple[Door, list[str]]) -> None:
    """The host behind it is asked; where there is none, the complaint is about the host alone."""
    door, seen = server
    wire = Wire(SystemClock(), patience_s=30.0)
    assert Door(wire, door.url.replace("http://", "http://ann:secret@")).ask("/health").status == 403
    assert seen == ["/health"]

    with pytest.raises(Unreached) as told:
        _ = Door(wire, "http://ann:secret@127.0.0.1:1").ask("/health")
    assert "secret" not in str(told.value)


def test_a_url_is_shown_without_its_password() -> None:
    """Nor with what stands behind the question mark."""
    assert shown("https://ann:secret@archive:8086/x?p=secret") == "https://archive:8086/x"
