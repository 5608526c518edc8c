import logging
import os
import socket
import subprocess
import sys

import pytest

from tests.fakes.process import ROOT
from tests.instrument.sending import NEVER_S, Told, listening
from tocsin_instrument import Settings, Telemetry
from tocsin_instrument.outlet import Outlet
from tocsin_instrument.request import Request


def test_a_request_is_a_point_of_the_shipped_measurement() -> None:
    """The tags and fields that the boards and rules of the product ask for."""
    with listening() as said:
        said.telemetry.request(Request("get", "/orders/{id}", 500, 12.5, 17, "ValueError"))
        (line,) = said.lines()
    assert dict(line.tags) == {
        "service": "shop",
        "release": "1.4",
        "feature": "orders",
        "endpoint": "/orders/{id}",
        "method": "GET",
        "status": "500",
    }
    assert dict(line.fields) == {"duration_ms": 12.5, "error": 1, "bytes": 17, "exception": "ValueError"}


def test_requests_of_one_moment_do_not_replace_each_other() -> None:
    """A point is known by its series and time, so each has a time of its own."""
    told = Told()
    outlet = Outlet(Settings(every_s=NEVER_S), lambda _: told, clock=lambda: 1_000)
    for _ in range(3):
        outlet.put("m", {"f": 1})
    outlet.close(60.0)
    times = [line.rsplit(b" ", 1)[1] for line in told.taken if line.startswith(b"m ")]
    assert times == [b"1000", b"1001", b"1002"]


def test_endpoints_beyond_the_most_are_one() -> None:
    """A framework that names endpoints by paths cannot flood the store with series."""
    with listening() as said:
        for number in range(600):
            said.telemetry.request(Request("GET", f"/{number}/x", 200, 1.0, 0))
        endpoints = {dict(line.tags)["endpoint"] for line in said.lines()}
    assert len(endpoints) == 501
    assert "other" in endpoints


def test_an_app_names_its_features() -> None:
    """By a function of the endpoint."""
    told = Told()
    telemetry = Telemetry(Settings(every_s=NEVER_S), feature=lambda endpoint: f"x{endpoint}", transport=lambda _: told)
    telemetry.request(Request("GET", "/a", 200, 1.0, 0))
    telemetry.close(60.0)
    assert b"feature=x/a" in told.taken[0]


def test_nothing_that_goes_wrong_in_here_reaches_the_app(caplog: pytest.LogCaptureFixture) -> None:
    """A feature function that fails and a reading that cannot be written are counted; the second is logged."""
    told = Told()
    telemetry = Telemetry(
        Settings(every_s=NEVER_S), feature=lambda endpoint: str(1 // len(endpoint[:0])), transport=lambda _: told
    )
    telemetry.request(Request("GET", "/a", 200, 1.0, 0))
    with caplog.at_level(logging.WARNING, "tocsin_instrument"):
        telemetry.record("m", {}, {"f": float("nan")})
    telemetry.close(60.0)
    assert telemetry.counts.failed == 2
    assert "a point of 'm' could not be written" in caplog.text


def test_readings_of_the_apps_own_go_the_same_way() -> None:
    """An order, for the board of business figures."""
    with listening() as said:
        said.telemetry.record("shop_order", {"channel": "web"}, {"amount": 9.5, "items": 2, "failed": 0})
        (line,) = said.lines("shop_order")
    assert dict(line.fields) == {"amount": 9.5, "items": 2, "failed": 0}


def test_a_deploy_is_a_mark_of_the_service_and_its_release() -> None:
    """The annotation that every board shows."""
    with listening() as said:
        said.telemetry.deploy()
        said.telemetry.deploy("new search")
        first, second = said.lines("deploy")
    assert dict(first.tags) == dict(second.tags) == {"service": "shop", "release": "1.4"}
    assert [dict(line.fields) for line in (first, second)] == [{"text": "shop 1.4"}, {"text": "new search"}]


def test_a_reading_that_can_never_be_written_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Not with each request; all are counted."""
    with listening() as said, caplog.at_level(logging.WARNING, "tocsin_instrument"):
        for _ in range(3):
            said.telemetry.record("m", {}, {})
        assert said.telemetry.counts.failed == 3
    assert len(caplog.records) == 1


def test_its_own_health_is_told_with_the_first_point() -> None:
    """What was dropped or refused is a series of its own."""
    with listening() as said:
        said.telemetry.record("m", {}, {"f": 1})
        (line,) = said.lines("tocsin_instrument")
    assert {"sent", "refused", "dropped", "failed", "waiting"} == dict(line.fields).keys()


def test_a_forked_worker_sends_from_a_thread_of_its_own() -> None:
    """The parent's thread does not exist there, and what the parent has not sent yet is not sent twice."""
    parent_told, children = Told(), []
    transports = [parent_told]

    def transport(_: Settings) -> Told:
        return transports.pop() if transports else children[-1]

    telemetry = Telemetry(Settings(every_s=NEVER_S), transport=transport)
    telemetry.record("parent", {}, {"f": 1})
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            children.append(Told())
            telemetry.record("child", {}, {"f": 1})
            telemetry.close(60.0)
            os.write(writer, b"\n".join(children[0].taken))
        finally:
            os._exit(0)  # whatever went wrong: a second pytest must not go on
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        sent = pipe.read()
    telemetry.close(60.0)
    assert sent.startswith(b"child f=1i ")
    assert b"parent" not in sent
    assert parent_told.taken[0].startswith(b"parent f=1i ")


@pytest.mark.parametrize("url", ["localhost:8186", "ftp://x", "http://", "http://x:99999", "http://[::1"])
def test_a_wrong_address_is_told_and_nothing_is_sent(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong variable must not stop an app."""
    monkeypatch.setenv("TOCSIN_URL", url)
    telemetry = Telemetry(service="shop")
    telemetry.record("m", {}, {"f": 1})
    assert "no telemetry is sent: TOCSIN_URL: expected http://host:port" in caplog.text
    telemetry.close()


def test_settings_come_from_the_environment() -> None:
    """What the code says of the service comes first; `off` is nowhere; the token is not shown."""
    environment = {"TOCSIN_SERVICE": "other", "TOCSIN_RELEASE": "2", "TOCSIN_TOKEN": "s3cret", "TOCSIN_URL": "off"}
    assert Settings.from_environment("shop", environment) == Settings("shop", "2", "", "s3cret")
    assert Settings.from_environment("", {}) == Settings("app")
    assert "s3cret" not in repr(Settings.from_environment("", environment))


@pytest.mark.parametrize("token", ["a\nb", "s3cret\u2019"])
def test_a_token_that_no_header_can_hold_is_told_without_its_text(token: str) -> None:
    """It would fail with every POST; white space around it, as of a file, is none of it."""
    with pytest.raises(ValueError, match="TOCSIN_TOKEN: ") as told:
        Settings.from_environment("", {"TOCSIN_TOKEN": token})
    assert token not in str(told.value)
    assert Settings.from_environment("", {"TOCSIN_TOKEN": "s3cret\n"}).token == "s3cret"


DEAF = """
import sys
from tocsin_instrument import Settings, Telemetry
telemetry = Telemetry(Settings("shop", url=sys.argv[1], every_s=0.01, timeout_s=3600.0))
telemetry.record("m", {}, {"f": 1})
print("the app is done")
"""


def test_an_app_ends_though_the_collector_takes_the_connection_and_says_nothing() -> None:
    """Its answer would be waited for an hour; an exit waits two seconds, and nothing is printed of it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-c", DEAF, url]
        ran = subprocess.run(
            command, cwd=ROOT / "instrument", capture_output=True, text=True, check=False, timeout=50.0
        )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "the app is done\n", "")
