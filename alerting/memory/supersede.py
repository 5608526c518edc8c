"""A newer message takes the place of an older one that still waits: what only the older one would have said is kept.

`sqlite` calls it when it stores a message. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from alerting.notify.contract import AlertView, Message, Status


def carry_over(older: Message, newer: Message) -> Message:
    """`newer`, with the ends of alerts that stand in `older` alone."""
    known = {_identity(view) for view in newer.alerts}
    ended = (view for view in older.alerts if view.status is Status.RESOLVED and _identity(view) not in known)
    return replace(newer, alerts=(*newer.alerts, *ended))


def _identity(view: AlertView) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in view.labels.items() if name != "severity")
