"""What an answer of `/query` over HTTP means: results, or one of the store's errors. Shared by influxdb and remote."""

from __future__ import annotations

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


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; None where there is none or it holds a date."""
    text = headers.get("Retry-After", "").strip()
    return float(text) if text.isdecimal() else None


def database_names(results: tuple[StatementResult, ...]) -> tuple[str, ...]:
    """Sorted names out of the answer to SHOW DATABASES, without those that InfluxDB keeps for itself."""
    names = {str(row[0]) for result in results for series in result.series for row in series.values}
    return tuple(sorted(names - {"_monitoring", "_tasks", "_internal"}))
