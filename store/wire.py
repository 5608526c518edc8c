"""What an answer of `/query` over HTTP means: results, or one of the store's errors. Shared by influxdb and remote."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NoReturn

import orjson

from store.errors import QueryLimitExceeded, QuerySyntaxError, StoreUnavailable
from store.render import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from store.contract import StatementResult

_BAD_REQUEST: Final = 400
_OK: Final = 200
_MOST_MESSAGE: Final = 2_000


def read_results(body: bytes) -> tuple[StatementResult, ...]:
    """InfluxDB's JSON (epoch=ns) as values. Raises StoreUnavailable when it is something else."""
    try:
        return from_json(body)
    except ValueError as error:
        raise StoreUnavailable(f"the answer is not InfluxDB's JSON: {body[:200]!r}") from error


def raise_query_error(where: str, status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
    """Raise what a status other than 200 means for a query."""
    message = message_of(body) or f"status {status}"
    if status == _BAD_REQUEST:
        raise QuerySyntaxError(message)
    if "timeout" in message.lower() or "limit" in message.lower():
        raise QueryLimitExceeded(message)
    raise StoreUnavailable(f"{where}: {message} (status {status})", retry_after_s=retry_after(headers))


def message_of(body: bytes) -> str:
    """The words of an error body: JSON with `message` or `error`, else the text itself, cut."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace").strip()[:_MOST_MESSAGE]
    if not isinstance(data, dict):
        return str(data)[:_MOST_MESSAGE]
    return str(data.get("message") or data.get("error") or data)[:_MOST_MESSAGE]


def own_words(body: bytes) -> bool:
    """Whether an error body has InfluxDB's form: a JSON object with a text under `message` or `error`."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(data, dict) and any(isinstance(data.get(key), str) and data[key] for key in ("message", "error"))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; None where there is none.

    A date is counted from the answer's own Date, so that the clocks of both sides need not agree.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    until, now = _date(text), _date(headers.get("Date", ""))
    return max((until - now).total_seconds(), 0.0) if until is not None and now is not None else None


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def first_name(body: bytes) -> str | None:
    """The name of the first bucket of an answer of /api/v2/buckets; None where there is none."""
    try:
        return str(orjson.loads(body)["buckets"][0]["name"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None


def database_names(results: tuple[StatementResult, ...]) -> tuple[str, ...]:
    """Sorted names out of the answer to SHOW DATABASES, without those that InfluxDB keeps for itself."""
    names = {str(row[0]) for result in results for series in result.series for row in series.values}
    return tuple(sorted(names - {"_monitoring", "_tasks", "_internal"}))
