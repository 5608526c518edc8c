"""Links from a value to the board that says more; each keeps the time range, and what is picked where it is meant."""

from __future__ import annotations

Link = dict[str, str]

_TIME = "${__url_time_range}"
_SOURCE = "var-datasource=${datasource}"


def onward(title: str, uid: str) -> Link:
    """To another board, with all that is picked here."""
    return {"title": title, "url": f"/d/{uid}?${{__all_variables}}&{_TIME}"}


def from_row(title: str, uid: str, **variables: str) -> Link:
    """To another board, narrowed to a table's row: each variable becomes the value of the row's field of that name."""
    picked = "".join(f"&var-{name}=${{__data.fields.{field}:percentencode}}" for name, field in variables.items())
    return {"title": title, "url": f"/d/{uid}?{_SOURCE}{picked}&{_TIME}"}


def from_series(title: str, uid: str, **variables: str) -> Link:
    """To another board, narrowed to a series: each variable becomes the value of the series' tag of that name."""
    picked = "".join(f"&var-{name}=${{__field.labels.{label}:percentencode}}" for name, label in variables.items())
    return {"title": title, "url": f"/d/{uid}?{_SOURCE}{picked}&{_TIME}"}
