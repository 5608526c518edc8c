"""Summary, description and runbook_url of a rule: Jinja2 in a sandbox, tried at load, so that no page fails to render.

Templates see `labels` (a missing label is the empty text), `value`, `level` (warning or critical), `threshold` and
`since`; besides Jinja2's own filters those of `alerting.rules.filters`. Rendering reads no clock and no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.rules.filters import FILTERS, show

MOST_CHARACTERS = 4000
"""A longer text is cut: it is a page, not a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a template may speak of. `labels` carry `alertname` and `severity`."""

    labels: Mapping[str, str]
    value: float | None
    level: str
    threshold: float | None
    since: datetime


class Words:
    """The compiled templates of one rule. Made once, used at every transition; safe to share."""

    __slots__ = ("_templates",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts`: annotation -> template. Raises ValueError naming the annotation and the line that is wrong."""
        environment = _environment()
        self._templates: dict[str, Template] = {}
        for name, text in texts.items():
            try:
                self._templates[name] = environment.from_string(text)
            except TemplateError as error:
                raise ValueError(f"{name}: {_told(error)}") from error

    def render(self, facts: Facts) -> dict[str, str]:
        """Annotation -> text. What cannot be rendered says so in its place: a page must go out."""
        rendered = {}
        for name, template in self._templates.items():
            try:
                rendered[name] = self._one(template, facts, _Labels(facts.labels))
            except Exception as error:  # noqa: BLE001 - a template may raise anything; the alarm matters more
                rendered[name] = f"({name} cannot be rendered: {_told(error)})"
        return rendered

    def check(self, labels: Iterable[str] | None, *, value: float) -> None:
        """Try every template on sample data. `labels` are the names that alerts will have (None: unknown).

        Raises ValueError naming the annotation and what is wrong with it.
        """
        names = None if labels is None else sorted(labels)
        sample = _Labels(dict.fromkeys(names or (), "x"), known=names)
        since = datetime(2000, 1, 1, tzinfo=UTC)
        facts = Facts(labels={}, value=value, level="warning", threshold=value, since=since)
        for name, template in self._templates.items():
            try:
                self._one(template, facts, sample)
            except Exception as error:
                raise ValueError(f"{name}: {_told(error)}") from error

    @staticmethod
    def _one(template: Template, facts: Facts, labels: _Labels) -> str:
        text = template.render(
            labels=labels, value=facts.value, level=facts.level, threshold=facts.threshold, since=facts.since
        )
        return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


class _Labels:
    """Labels by name, as an attribute or in brackets; iterates over the names.

    One that an alert lacks is the empty text, as everywhere; with `known` (at load), a name that is not there raises.
    No method has a plain name, so that a label may be called `items`.
    """

    __slots__ = ("_known", "_pairs")

    def __init__(self, pairs: Mapping[str, str], known: Sequence[str] | None = None) -> None:
        self._pairs = pairs
        self._known = known

    def __getitem__(self, name: str) -> str:
        if self._known is not None and name not in self._known:
            raise ValueError(f"there is no label {name!r}; alerts of this rule have {', '.join(self._known)}")
        return self._pairs.get(name, "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)


def _environment() -> ImmutableSandboxedEnvironment:
    # Plain text comes out: every notifier escapes for its own service.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=show, autoescape=False)
    environment.filters.update(FILTERS)
    for name in ("range", "lipsum"):
        environment.globals.pop(name, None)
    return environment


def _told(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    text: Any = getattr(error, "message", None) or str(error) or type(error).__name__
    return f"{text} (line {line})" if line else str(text)
