"""Apps that are instrumented: whether what they tell gets out of them, by what they say of it themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from tocsin.doctor.finding import Finding, NotNow, fine, hint
from tocsin.doctor.patient import Patient
from tocsin.doctor.web import Denied

_LOST: Final[Mapping[str, str]] = {
    "dropped": "found no room",
    "refused": "were refused",
    "failed": "could not be written",
}
QUERY: Final = (
    "SELECT last(dropped) AS dropped, last(refused) AS refused, last(failed) AS failed"
    " FROM tocsin_instrument WHERE time > now() - 15m GROUP BY service, host, process"
)


class Apps:
    """Which processes lost lines since they started, of those that told of themselves in the last 15 minutes."""

    name = "apps"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Raises NotNow where no app tells of itself."""
        try:
            answer = patient.collector.json("/query", {"db": patient.config.collector.bucket, "q": QUERY})
        except Denied as error:
            if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise
            raise NotNow("/query does not answer") from error
        [result] = answer["results"]
        told = [one for one in result.get("series", ()) if one["name"] == "tocsin_instrument"]
        if not told:
            raise NotNow("no instrumented app tells of itself")
        losing = 0
        for one in told:
            lost = _lost(dict(zip(one["columns"], one["values"][0], strict=True)))
            if lost:
                losing += 1
                tags = one["tags"]
                who = f"{tags.get('service', '?')} on {tags.get('host', '?')} (process {tags.get('process', '?')})"
                mend = "its log says why, under `tocsin_instrument` (docs/instrument.md)"
                yield hint(f"{who}: since it started, {lost}", mend)
        if not losing:
            yield fine(f"{len(told)} processes of apps lost nothing")


def _lost(counts: Mapping[str, Any]) -> str:
    found = {name: int(counts.get(name) or 0) for name in _LOST}
    return ", ".join(f"{count} lines {_LOST[name]}" for name, count in found.items() if count)
