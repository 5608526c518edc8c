"""What is around the product is broken in turn: the system's limits, certificates, whoever is told, a container."""

from __future__ import annotations

import re

import pytest

from foundation.clock import SystemClock
from tests.fakes.authority import Authority
from tests.tocsin.doctor.conftest import CONFIG, REQUIRED, ROLES, Ward
from tocsin.doctor.finding import Level
from tocsin.doctor.patient import ELSEWHERE
from tocsin.doctor.web import Answer


def test_a_disk_that_has_no_more_entries(ward: Ward) -> None:
    """Bytes may be left and no file can be made."""
    ward.machine.inodes = 12

    assert ward.wrong().startswith("disk: only 12 of 1000000 files can still be made where ")


def test_a_state_folder_on_a_network_file_system(ward: Ward) -> None:
    """Its promise of what is on disk is somebody else's."""
    ward.machine.mounted = "nfs4"

    assert ward.hint().startswith(f"state folder: {ward.folder / 'state'}: lies on a network file system (nfs4)")


@pytest.mark.parametrize(("files", "level"), [(256, Level.WRONG), (1_024, Level.HINT), (4_096, Level.FINE)])
def test_few_open_files(ward: Ward, files: int, level: Level) -> None:
    """Each sender that is connected takes one."""
    ward.machine.files = files

    [found] = [finding for name, finding in ward.report().findings if name == "limits"]
    assert found.level is level


def test_time_zones_that_are_not_known(ward: Ward) -> None:
    """Calendars and tz() would fail, at the time at which somebody is to be paged."""
    ward.machine.zones = False

    assert ward.wrong().startswith("limits: time zones are not known")


@pytest.mark.parametrize(
    ("notifier", "where", "shown"),
    [
        ("slack: [{webhook: 'https://hooks.example.org/SECRET'}]", "hooks.example.org:443", "a: slack"),
        ("slack: [{token: xoxb-123456789012-abcdefghij, channel: C1}]", "slack.com:443", "a: slack"),
        ("pagerduty: [{routing_key: 0123456789abcdef0123456789abcdef}]", "events.pagerduty.com:443", "a: pagerduty"),
        ("email: [{to: a@example.org, smtp: 'smtps://u:SECRET@mail'}]", "mail:465", "a: email"),
        ("webhook: [{url: 'http://[::1]:9/SECRET'}]", "::1:9", "a: webhook"),
    ],
)
def test_a_receiver_that_cannot_be_reached(ward: Ward, notifier: str, where: str, shown: str) -> None:
    """Before the first page fails; host and port are told, and nothing else of an address."""
    ward.write("n.yml", f"receivers: [{{name: a, {notifier}}}]\nroute: {{receiver: a}}\n")
    ward.machine.deaf = {where: "Connection refused"}

    fault = ward.wrong()
    assert fault.startswith(f"reach: {shown}: {where} cannot be reached: Connection refused -> ")
    assert "SECRET" not in fault


def test_the_demo_s_pager_is_looked_for_where_it_is(ward: Ward) -> None:
    """It takes a free port where its own is taken."""
    ward.write("n.yml", "receivers: [{name: a, slack: [{webhook: '${DEMO_PAGER_URL}/slack'}]}]\nroute: {receiver: a}\n")
    ward.announced = {**ROLES, "demo": "127.0.0.1:1009"}
    ward.web.answers["127.0.0.1:1009", "/health"] = {}
    ward.machine.deaf = {"127.0.0.1:1009": "Connection refused"}

    assert ward.wrong().startswith("reach: a: slack: 127.0.0.1:1009 cannot be reached")


def test_receivers_of_an_alerting_that_runs_elsewhere(ward: Ward) -> None:
    """What can be reached from here says nothing of what can be reached from there."""
    ward.write("tocsin.yml", CONFIG.replace("1003, ", '1003, alerting: "http://127.0.0.1:1002", '))
    ward.announced = {role: where for role, where in ROLES.items() if role != "alerting"}

    assert ("reach", "alerting runs elsewhere") in ward.report().skipped


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "in the console: alerting does not take the token that it sends -> let console.alerting_token be"),
        (403, "others can reach alerting, and it has no alerting.admin_token -> set alerting.admin_token"),
    ],
)
def test_nobody_who_can_silence(ward: Ward, status: int, words: str) -> None:
    """People learn it in the night otherwise."""
    ward.answer("alerting", "/api/v1/silences/doctor", Answer(status, {}, b"no"))

    fault = ward.wrong()
    assert fault.startswith("changes: nobody can silence or acknowledge")
    assert words in fault


def test_the_token_that_the_console_sends_is_the_one_that_is_tried(ward: Ward) -> None:
    """Alerting's own, where the console has no other."""
    for text, token in (("", "own"), ("alerting_token: other, ", "other")):
        changed = CONFIG.replace("1003, ", f"1003, {text}").replace("1002, ", "1002, admin_token: own, ")
        ward.write("tocsin.yml", changed)
        ward.web.asked.clear()
        _ = ward.report()
        [headers] = [headers for method, _, headers, _ in ward.web.asked if method == "DELETE"]
        assert headers == {"Authorization": f"Token {token}"}


def test_beside_another_role_s_state_the_collector_is_not_blamed(ward: Ward) -> None:
    """In alerting's container lies no token that may look: that is no fault, and said once."""
    ward.write("tocsin.yml", REQUIRED.replace("1002, ", '1002, collector: "http://127.0.0.1:1001", '))
    ward.announced = {"alerting": ROLES["alerting"]}
    for path in ("/api/v1/store", "/api/v1/dead/count", "/query"):
        ward.answer("collector", path, Answer(403, {}, b'{"message": "insufficient permissions"}'))

    assert ward.told(Level.WRONG) == []
    skipped = {name for name, why in ward.report().skipped if why == ELSEWHERE}
    assert skipped == {"tokens", "upkeep", "dead letters", "query", "probe", "board data", "apps"}


def certificate(ward: Ward, *, days: int, hosts: tuple[str, ...] = (), console: str = "") -> None:
    pair = Authority(ward.folder / "tls").issue("web", days=days, hosts=hosts)
    spoken = f"tls: {{certificate: {pair.certificate}, key: {pair.key}}}, {console}"
    ward.write("tocsin.yml", CONFIG.replace("1003, ", f"1003, {spoken}"))
    ward.clock.advance(SystemClock().now() - ward.clock.now())


def test_a_certificate_that_ends_soon(ward: Ward) -> None:
    """Two weeks before, there is time to renew it."""
    certificate(ward, days=9)
    hint = ward.hints()["certificate"]
    assert re.match(r"console: web\.pem holds until \d{4}-\d\d-\d\d \d\d:\d\d UTC, 8 days -> renew it", hint)

    certificate(ward, days=99)
    assert "certificate" not in ward.hints()


def test_a_certificate_that_is_for_another_name(ward: Ward) -> None:
    """Browsers would refuse it; a wildcard is as good as the name."""
    named = "public_url: 'https://tocsin.example.org', "
    certificate(ward, days=99, hosts=("other.example.org",), console=named)
    assert ward.hints()["certificate"].startswith(
        "console: web.pem is for 127.0.0.1, other.example.org, and not for tocsin.example.org of console.public_url"
    )
    for host in ("tocsin.example.org", "*.example.org"):
        certificate(ward, days=99, hosts=(host,), console=named)
        assert "certificate" not in ward.hints()


def test_an_app_that_loses_lines(ward: Ward) -> None:
    """By what its own telemetry says of itself: which process, how many, and why."""
    columns = ["time", "dropped", "refused", "failed"]
    well = {"name": "tocsin_instrument", "columns": columns, "values": [[1, 0, 0, None]]}
    losing = well | {"values": [[1, 7, 0, 2]], "tags": {"service": "shop", "host": "a", "process": "12"}}
    probe = ward.web.answers[ROLES["collector"], "/query"]

    def told(*series: dict[str, object]) -> None:
        said = {"results": [{"statement_id": 0, "series": series}]}
        ward.answer("collector", "/query", lambda asked: said if "tocsin_instrument" in asked["q"][0] else probe)

    told(well, losing)
    assert ward.hint().startswith(
        "apps: shop on a (process 12): since it started, 7 lines found no room, 2 lines could not be written -> its log"
    )
    told(well)
    assert [one.words for name, one in ward.report().findings if name == "apps"] == ["1 processes of apps lost nothing"]


def test_what_the_store_does_by_itself(ward: Ward) -> None:
    """A rollup that fails and a quota that is used up are faults, nearly used up is a hint."""
    rollup = {"name": "r", "problem": "the target holds points of others", "pending_windows": 99, "lag_s": 6000.0}
    standing = {"rollups": [rollup], "used_bytes": 5, "quota_bytes": 10, "problems": []}
    ward.answer("collector", "/api/v1/store", standing)
    told = "upkeep: rollup r fails: the target holds points of others -> see `tocsin explain rollup r`"
    assert ward.wrong().startswith(told)

    ward.answer("collector", "/api/v1/store", standing | {"rollups": [rollup | {"problem": ""}]})
    assert ward.hint().startswith("upkeep: rollup r is behind: 99 windows wait, the oldest began 1:40:00 ago -> ")

    ward.answer("collector", "/api/v1/store", standing | {"rollups": [], "problems": ["the quota is used up"]})
    assert ward.wrong().startswith("upkeep: the quota is used up -> a larger store.quota")

    damaged = standing | {"rollups": [], "problems": ["the file is damaged (why); stop the collector; restore it"]}
    ward.answer("collector", "/api/v1/store", damaged)
    assert ward.wrong().startswith("upkeep: the file is damaged (why) -> stop the collector; restore it")

    ward.answer("collector", "/api/v1/store", standing | {"rollups": [], "used_bytes": 9})
    assert ward.hint().startswith("upkeep: 90% of the store's quota are used -> a larger store.quota")
