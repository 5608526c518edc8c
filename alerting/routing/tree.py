"""The routing tree: the labels of an alert in, the receivers that hear of it out, each with its grouping and timers.

Built from notify.yml by `config`, asked by the dispatcher. As in Alertmanager: the first child that matches takes the
alert, with `continue` the next ones are asked too, and a node none of whose children matches takes it itself. A child
inherits what it does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alerting.alert import Labels, labels_of
from alerting.routing.matchers import Matcher, all_match

ALL_LABELS = "..."
"""In `group_by`: every alert is a group of its own. Its severity changes, so that is no part of the group's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """How long a new group waits for company, how far updates are apart, when an open incident is told again.

    `mute` names the calendars in which nobody is told; with `active` people are told in those alone.
    """

    wait: timedelta = timedelta(0)
    interval: timedelta = timedelta(seconds=30)
    repeat: timedelta = timedelta(hours=4)
    mute: tuple[str, ...] = ()
    active: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One route with everything inherited; `matchers` are its own."""

    receiver: str
    group_by: tuple[str, ...]
    timers: Timers = Timers()
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False
    children: tuple[Node, ...] = ()

    def find(self, labels: Mapping[str, str]) -> tuple[Node, ...]:
        """The nodes that take an alert with `labels` (`severity` among them), in the order of the file."""
        return tuple(path[-1] for path in self.paths(labels))

    def paths(self, labels: Mapping[str, str]) -> tuple[tuple[Node, ...], ...]:
        """The same, each with the nodes above it, from this one down."""
        if not all_match(self.matchers, labels):
            return ()
        found: list[tuple[Node, ...]] = []
        for child in self.children:
            taken = child.paths(labels)
            found += taken
            if taken and not child.goes_on:
                break
        return tuple((self, *path) for path in found) or ((self,),)

    def group_labels(self, labels: Mapping[str, str]) -> Labels:
        """What an alert with `labels` has in common with the others of its group."""
        if ALL_LABELS in self.group_by:
            return labels_of({name: value for name, value in labels.items() if name != "severity"})
        return labels_of({name: labels[name] for name in self.group_by if name in labels})
