"""What a request to /query asks: its parameters, wherever they stand, and which answer is wanted.

They come in the address, as a form (of either kind), as a JSON object, or as the query itself in the body. What stands
in the body counts before what stands in the address, and of several values the first, as with InfluxDB.
"""

from __future__ import annotations

from collections.abc import ItemsView, Mapping
from email import message_from_bytes
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from collector.intake.answers import Refusal
from collector.intake.body import Load, read_body

_MOST_BYTES = 1 << 20
_FORM = "application/x-www-form-urlencoded"


def address_params(query: str) -> Mapping[str, str]:
    """What stands in an address; of several values of one name the first counts, as with InfluxDB."""
    return dict(reversed(parse_qsl(query, keep_blank_values=True))) if query else {}


async def read_params(
    request: web.BaseRequest, params: Mapping[str, str], longest_s: float, load: Load
) -> Mapping[str, str]:
    """All parameters; `params` are those of the address. Raises Refusal for a body that cannot be read.

    Old clients call the body that they do not send packed, too.
    """
    if request.method != "POST" or not request.body_exists:
        return params
    body = await read_body(request, _MOST_BYTES, longest_s, load=load)
    return {**params, **_in_body(body, request.headers.get("Content-Type", _FORM))} if body else params


def json_object(text: str | bytes) -> ItemsView[str, object]:
    """The entries of a JSON object. Raises Refusal for anything else."""
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"error parsing query parameters: {error}") from error
    if not isinstance(read, dict):
        raise Refusal(400, "error parsing query parameters: a JSON object is wanted")
    return read.items()


def _in_body(body: bytes, kind: str) -> dict[str, str]:
    """What the body says; nothing where it is of another kind."""
    match kind.partition(";")[0].strip().lower():
        case "application/json":
            entries = json_object(body)
            return {key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in entries}
        case "application/vnd.influxql":
            return {"q": body.decode("utf-8", "replace")}
        case "multipart/form-data":
            return _parts(body, kind)
        case "application/x-www-form-urlencoded":
            return dict(reversed(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
        case _:
            return {}


def _parts(body: bytes, kind: str) -> dict[str, str]:
    """The named parts, whether they are fields or files."""
    whole = message_from_bytes(b"Content-Type: " + kind.encode("utf-8", "replace") + b"\r\n\r\n" + body)
    found = {}
    for part in whole.walk():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content.decode("utf-8", "replace")
    return found
