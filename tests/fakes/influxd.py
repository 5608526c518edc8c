"""A real InfluxDB 2 for tests: its own folders, a free loopback port, set up with one organisation and one bucket."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN = "token-for-tests-only"
START_S = 90.0
STARTS = 3
STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Influxd:
    """A running influxd. `process` may be killed by a fault test that started its own."""

    url: str
    org: str
    bucket: str
    token: str
    process: subprocess.Popen[bytes]

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """One request with the token: status and body, whatever the status. Blocking: for set-up and checks only."""
        return _request(self.url, method, path, body, {"Authorization": f"Token {self.token}"})

    def make_bucket(self, name: str) -> str:
        """Make a bucket that keeps data for ever; returns its id."""
        org = json.loads(self.call("GET", f"/api/v2/orgs?org={self.org}")[1])["orgs"][0]["id"]
        status, answer = self.call("POST", "/api/v2/buckets", json.dumps({"orgID": org, "name": name}).encode())
        assert status == 201, answer
        return str(json.loads(answer)["id"])

    def drop_bucket(self, bucket_id: str) -> None:
        """Delete the bucket with everything in it."""
        status, answer = self.call("DELETE", f"/api/v2/buckets/{bucket_id}")
        assert status == 204, answer


@contextlib.contextmanager
def running_influxd(program: Path, folder: Path, *, bucket: str = "telemetry") -> Iterator[Influxd]:
    """Start influxd in `folder`, set it up, and stop it (by its own process) at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    url, process = _start(program, folder)
    try:
        yield _set_up(url, bucket, process)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(program: Path, folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A process that answers, and where. It cannot pick a port itself: where another took it, the next is tried."""
    log = folder / "influxd.log"
    for _ in range(STARTS):
        address = f"127.0.0.1:{_free_port()}"
        env = os.environ | {
            "INFLUXD_BOLT_PATH": str(folder / "bolt"),
            "INFLUXD_ENGINE_PATH": str(folder / "engine"),
            "INFLUXD_SQLITE_PATH": str(folder / "sqlite"),
            "INFLUXD_HTTP_BIND_ADDRESS": address,
            "INFLUXD_REPORTING_DISABLED": "true",
        }
        with log.open("wb") as output:
            process = subprocess.Popen([str(program)], env=env, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        if _answers(f"http://{address}", process):
            return f"http://{address}", process
        if "address already in use" not in log.read_text():
            break
    raise AssertionError(f"influxd does not answer: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _request(url: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it is ready before it ends, or before the time is over, when it is ended."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if _request(url, "GET", "/health", None, {})[0] == 200:
                return process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    return False


def _set_up(url: str, bucket: str, process: subprocess.Popen[bytes]) -> Influxd:
    wish = {
        "username": "tests",
        "password": "password-for-tests-only",
        "org": "tocsin",
        "bucket": bucket,
        "token": TOKEN,
    }
    status, answer = _request(url, "POST", "/api/v2/setup", json.dumps(wish).encode(), {})
    assert status == 201, answer
    return Influxd(url=url, org="tocsin", bucket=bucket, token=TOKEN, process=process)
