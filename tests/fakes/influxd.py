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
START_S = 30.0
STOP_S = 10.0


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
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    env = os.environ | {
        "INFLUXD_BOLT_PATH": str(folder / "bolt"),
        "INFLUXD_ENGINE_PATH": str(folder / "engine"),
        "INFLUXD_SQLITE_PATH": str(folder / "sqlite"),
        "INFLUXD_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXD_REPORTING_DISABLED": "true",
    }
    with (folder / "influxd.log").open("wb") as log:
        process = subprocess.Popen([str(program)], env=env, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            _await_ready(url, process, folder / "influxd.log")
            yield _set_up(url, bucket, process)
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _request(url: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def _await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"influxd ended by itself: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            if _request(url, "GET", "/health", None, {})[0] == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"influxd was not ready after {START_S:g} s: {log.read_text()[-2000:]}")


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
