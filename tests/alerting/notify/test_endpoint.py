"""What a service asks for with Retry-After, and answers that are not for following."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerting.notify.contract import Refusal, Unanswered, Unreachable
from alerting.notify.endpoint import Endpoint, retry_after_s
from foundation.secret import Secret
from tests.fakes.service import Answer, FakeService

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("Sun, 22 Nov 2026 14:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 13:00:00 GMT", 0.0),
        ("999999999", 3600.0),
        ("nan", None),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(header: str | None, seconds: float | None) -> None:
    """RFC 9110's two forms are read; nonsense is no wish, and no service can silence a page for longer than an hour."""
    assert retry_after_s(header, NOW) == seconds


@pytest.mark.parametrize(("status", "may_be_there"), [(500, False), (502, True), (503, False), (504, True)])
async def test_a_gateway_that_lost_the_answer_leaves_a_doubt(status: int, may_be_there: bool) -> None:
    """502 and 504 come from something in between: the service behind it may have the message; 500 and 503 are a no."""
    async with FakeService() as service:
        service.misbehave(Answer(status))
        endpoint = Endpoint("it", Secret(service.url), timeout_s=5)
        with pytest.raises(Unreachable) as raised:
            await endpoint.post({}, now=NOW)
        await endpoint.close()

    assert isinstance(raised.value, Unanswered) is may_be_there


async def test_a_redirect_is_not_followed() -> None:
    """A key is never handed to another host: 302 is a refusal."""
    async with FakeService() as service:
        service.misbehave(Answer(302, "", {"Location": service.url}))
        endpoint = Endpoint("it", Secret(service.url), timeout_s=5)
        with pytest.raises(Refusal, match="302"):
            await endpoint.post({}, now=NOW)
        await endpoint.close()

        assert service.requests == 1
