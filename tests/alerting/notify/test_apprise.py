"""Services that apprise speaks to, each shown once against a host that is as strict as the real one, on loopback."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest

from alerting.notify.apprise import Apprise, AppriseConfig
from alerting.notify.contract import Refusal, Unreachable
from alerting.notify.plugin import Deps
from foundation.secret import Secret
from tests.alerting.notify.messages import NOW, alert, message
from tests.fakes.far_host import Asked, FarHosts, Reply

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # an import of apprise's

SID, AUTH = "AC" + "0123456789abcdef" * 2, "fedcba9876543210" * 2
ACCESS, SECRET = "AKIDEXAMPLE123456789", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY99"
WORKFLOW, SIGNATURE = "643e69f83c8944438d68119179a10a64", "eIfUzNPJVGDgL1vi7Ti9f8gDtxU6pGjq"
TEAMS = "prod-161.westeurope.logic.azure.com"
NASTY = message(alert(summary='<at>channel</at> <b>"x"</b> \r\nBcc: a@b.org \x1b[31m{{ 7*7 }} & \U0001f600'))

Judge = Callable[[Asked], Reply]


def twilio(asked: Asked) -> Reply:
    """The API of Twilio: basic auth by account, form fields, numbers in E.164, at most 1 600 characters."""
    login = base64.b64encode(f"{SID}:{AUTH}".encode()).decode()
    if asked.headers.get("authorization") != f"Basic {login}":
        return Reply(401, b'{"code": 20003, "message": "Authenticate"}')
    form = dict(parse_qsl(asked.body.decode()))
    is_known = asked.target == f"/2010-04-01/Accounts/{SID}/Messages.json" and asked.method == "POST"
    is_form = asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    is_whole = (form.get("From"), form.get("To")) == ("+15550001111", "+15550002222") and form.get("Body")
    if not (is_known and is_form and is_whole) or len(form["Body"]) > 1600:
        return Reply(400, b'{"code": 21602, "message": "Message body is required"}')
    return Reply(201, b'{"sid": "SM1", "status": "queued"}')


def sns(asked: Asked) -> Reply:
    """Amazon SNS: the request is signed with the secret key, over exactly what was sent."""
    form = parse_qs(asked.body.decode())
    if not _is_signed(asked):
        return Reply(403, b"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")
    if form.get("Action") != ["Publish"] or form.get("PhoneNumber") != ["+15550002222"] or not form.get("Message"):
        return Reply(400, b"<ErrorResponse><Error><Code>InvalidParameter</Code></Error></ErrorResponse>")
    return Reply(200, b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")


def _is_signed(asked: Asked) -> bool:
    """Version 4 of Amazon's signature, worked out again from the request."""
    given = asked.headers.get("authorization", "")
    parts = dict(part.split("=", 1) for part in given.removeprefix("AWS4-HMAC-SHA256 ").split(", ") if "=" in part)
    day, region, service, end = parts["Credential"].split("/")[1:]
    signed = parts["SignedHeaders"].split(";")
    headers = "".join(f"{name}:{asked.headers.get(name, asked.host)}\n" for name in signed)
    split = urlsplit(asked.target)
    digest = hashlib.sha256(asked.body).hexdigest()
    canonical = "\n".join((asked.method, quote(split.path), split.query, headers, ";".join(signed), digest))
    scope = f"{day}/{region}/{service}/{end}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, hashed))
    key = f"AWS4{SECRET}".encode()
    for word in (day, region, service, end):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), parts["Signature"])


def teams(asked: Asked) -> Reply:
    """A workflow of Power Automate: the signature in the query, an adaptive card of at most 28 kB in the body."""
    split = urlsplit(asked.target)
    query = dict(parse_qsl(split.query))
    if query.get("sig") != SIGNATURE or query.get("sp") != "/triggers/manual/run":
        return Reply(401, b'{"error": {"code": "DirectApiAuthorizationRequired"}}')
    card = json.loads(asked.body)
    (attached,) = card["attachments"]
    is_card = (card["type"], attached["contentType"], attached["content"]["type"]) == (
        "message",
        "application/vnd.microsoft.card.adaptive",
        "AdaptiveCard",
    )
    is_known = split.path == f"/workflows/{WORKFLOW}/triggers/manual/paths/invoke"
    return Reply(202 if is_card and is_known and len(asked.body) <= 28_000 else 400, b"")


SERVICES: dict[str, tuple[str, str, Judge]] = {
    "twilio": (f"twilio://{SID}:{AUTH}@15550001111/15550002222", "api.twilio.com", twilio),
    "sns": (f"sns://{ACCESS}/{SECRET}/eu-central-1/15550002222", "sns.eu-central-1.amazonaws.com", sns),
    "teams": (f"workflows://{TEAMS}:443/{WORKFLOW}/{SIGNATURE}/", TEAMS, teams),
}


@contextlib.asynccontextmanager
async def played(
    name: str, folder: Path, patch: pytest.MonkeyPatch, judge: Judge | None = None, **deps: float
) -> AsyncIterator[tuple[FarHosts, Apprise]]:
    """The service's host, and a notifier that finds it by the proxy of its environment and trusts its authority."""
    url, host, strict = SERVICES[name]
    async with FarHosts(folder / "ca", (host,), judge or strict) as hosts:
        for variable in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            patch.setenv(variable, hosts.url)
        for variable in ("NO_PROXY", "no_proxy"):
            patch.setenv(variable, "")
        patch.setenv("REQUESTS_CA_BUNDLE", str(hosts.authority))
        notifier = Apprise(AppriseConfig(url=Secret(url)), Deps(**deps))
        try:
            yield hosts, notifier
        finally:
            await notifier.close()
        assert hosts.turned_away == []


def said(hosts: FarHosts) -> str:
    """The words in the one request."""
    (asked,) = hosts.asked
    if asked.headers["content-type"].startswith("application/json"):
        return json.dumps(json.loads(asked.body), ensure_ascii=False)
    return "\n".join(value for name, value in parse_qsl(asked.body.decode()) if name in ("Body", "Message"))


@pytest.mark.parametrize("name", sorted(SERVICES))
async def test_the_service_takes_an_alarm(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request, to the service's own host, that says what is wrong."""
    async with played(name, tmp_path, monkeypatch) as (hosts, notifier):
        await notifier.send(message(), now=NOW)

        assert "[CRITICAL] /pay is slow" in said(hosts)


@pytest.mark.parametrize("name", sorted(SERVICES))
@pytest.mark.parametrize("big", [False, True])
async def test_hostile_and_huge_texts_are_taken(
    name: str, big: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others write is text, within the size that the service takes; nothing of it becomes a header."""
    fat = message(*[alert(summary="s" * 5_000, description="d\n" * 5_000)] * 500)
    async with played(name, tmp_path, monkeypatch) as (hosts, notifier):
        await notifier.send(fat if big else NASTY, now=NOW)

        assert "\x1b" not in said(hosts)
        assert "bcc" not in hosts.asked[0].headers


@pytest.mark.parametrize("name", sorted(SERVICES))
@pytest.mark.parametrize(
    ("status", "error"), [(401, Refusal), (404, Refusal), (429, Unreachable), (500, Unreachable), (503, Unreachable)]
)
async def test_a_no_is_sorted_and_tells_no_secret(
    name: str, status: int, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For good or for later, after one attempt, and without the keys of the address."""
    async with played(name, tmp_path, monkeypatch, lambda _: Reply(status, f"{AUTH} {SECRET}".encode())) as (
        hosts,
        notifier,
    ):
        with pytest.raises(error) as raised:
            await notifier.send(message(), now=NOW)

        assert len(hosts.asked) == 1
        assert [key for key in (AUTH, SECRET, SIGNATURE, WORKFLOW) if key in str(raised.value)] == []
        assert isinstance(raised.value, error)


@pytest.mark.parametrize(
    ("code", "error"),
    [(20003, Refusal), (21211, Refusal), (21608, Refusal), (20429, Unreachable), (20500, Unreachable)],
)
async def test_twilios_own_numbers_are_sorted(
    code: int, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is none to call is never tried again, one call too many is."""

    def judge(_: Asked) -> Reply:
        return Reply(400, json.dumps({"code": code, "message": "no"}).encode())

    async with played("twilio", tmp_path, monkeypatch, judge) as (_, notifier):
        with pytest.raises(error, match=str(code)):
            await notifier.send(message(), now=NOW)


async def test_a_text_message_is_one_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut to one SMS that begins with what matters; the address can ask for pieces."""
    fat = message(alert(description="Call the owner of the service.\n" * 9))
    async with played("twilio", tmp_path, monkeypatch) as (hosts, notifier):
        await notifier.send(fat, now=NOW)
        assert len(said(hosts)) <= 160
        assert said(hosts).startswith("[CRITICAL] /pay is slow")
        pieces = Apprise(AppriseConfig(url=Secret(f"{SERVICES['twilio'][0]}?overflow=split")), Deps())
        await pieces.send(fat, now=NOW)
        await pieces.close()
        assert len(hosts.asked) > 2


async def test_the_wrong_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature that the fake works out again is not an empty show."""
    async with played("sns", tmp_path, monkeypatch) as (_, notifier):
        url = SERVICES["sns"][0].replace(SECRET, SECRET[::-1])
        another = Apprise(AppriseConfig(url=Secret(url)), Deps())
        with pytest.raises(Refusal, match="403"):
            await another.send(message(), now=NOW)
        await another.close()
        await notifier.send(message(), now=NOW)
