"""`tocsin query`: a table for people, InfluxDB's JSON for programs, and what went wrong."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from foundation import listen
from tests.tocsin.conftest import Run

SERIES = {
    "name": "device_reading",
    "tags": {"device": "d7"},
    "columns": ["time", "temperature_c"],
    "values": [[1_700_000_000_000_000_000, 21.4]],
}
ANSWERS = {
    "SELECT 1": (200, {"results": [{"statement_id": 0, "series": [SERIES]}]}),
    "SELECT 2": (200, {"results": [{"statement_id": 0}]}),
    "SELECT 3": (200, {"results": [{"statement_id": 0, "error": "undefined function meen()"}]}),
    "SELEC": (400, {"error": "error parsing query: found SELEC, expected SELECT at line 1, char 1"}),
}


class _Collector(BaseHTTPRequestHandler):
    tokens: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        from urllib.parse import parse_qs  # noqa: PLC0415 - of use here only

        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.tokens.append(self.headers["Authorization"])
        status, answer = ANSWERS[form["q"][0]]
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        pass


@pytest.fixture
def collector(state: Path) -> Iterator[str]:
    """What answers /query, announced in the state folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="collector")
    thread.start()
    where = f"127.0.0.1:{server.server_port}"
    listen.announce(state, {"collector": where}, os.getpid())
    yield f"http://{where}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_is_a_table(run: Run, collector: str) -> None:
    """Series, tags and times as people read them, from the collector that runs on the state folder."""
    ran = run("query", "SELECT 1")

    assert ran.code == 0
    for word in ("device_reading", "device=d7", "temperature_c", "2023-11-14T22:13:20.000Z", "21.4"):
        assert word in ran.out


def test_no_rows_is_an_answer(run: Run, collector: str) -> None:
    """Nothing found is said in words."""
    ran = run("query", "SELECT 2")

    assert (ran.code, ran.out) == (0, "no rows\n")


def test_json_is_influxdb_s(run: Run, collector: str) -> None:
    """The results as InfluxDB's /query writes them."""
    (result,) = json.loads(run("query", "--json", "SELECT 1").out)["results"]

    assert result["series"][0]["columns"] == ["time", "temperature_c"]
    assert result["series"][0]["values"][0][1] == 21.4


@pytest.mark.parametrize(("influxql", "problem"), [("SELECT 3", "undefined function meen()"), ("SELEC", "found SELEC")])
def test_a_query_that_fails_is_a_no(run: Run, collector: str, influxql: str, problem: str) -> None:
    """Exit 1, and the store's own words."""
    ran = run("query", influxql)

    assert ran.code == 1
    assert problem in ran.complaint


def test_a_token_comes_from_a_file(run: Run, collector: str, tmp_path: Path) -> None:
    """Never from the command line, where every user of the machine could read it."""
    (tmp_path / "token").write_text("hush\n")

    assert run("query", "--url", collector, "--token-file", "token", "SELECT 2").code == 0
    assert _Collector.tokens[-1] == "Token hush"


def test_a_token_file_that_is_not_there_is_told(run: Run, collector: str) -> None:
    """Exit 2: the command could not run."""
    ran = run("query", "--token-file", "nope", "SELECT 2")

    assert (ran.code, ran.complaint) == (2, "tocsin: nope: No such file or directory\n")


def test_without_a_collector_the_way_to_one_is_told(run: Run) -> None:
    """Nothing runs on the state folder: start one, or name one."""
    ran = run("query", "SELECT 1")

    assert ran.code == 2
    assert "no collector runs on" in ran.complaint
    assert "--url" in ran.complaint


def test_what_is_no_url_is_told(run: Run) -> None:
    """Exit 2, with the form that a URL has."""
    ran = run("query", "--url", "collector:8186", "SELECT 1")

    assert (ran.code, ran.complaint) == (
        2,
        "tocsin: --url: url must begin with http:// or https://, not 'collector:8186'\n",
    )
