"""The files that alerting follows: rules, notify.yml and the iCal files that it names; notices when they change.

The composition root asks `read` at start and at a reload, and `changed` about once a second. The invariant: what `read`
returned is right as a whole; a fault in any file is an error and the caller keeps what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alerting.config import AlertingConfig, NotifyConfig, load_notify
from alerting.muting.calendar import Calendar
from alerting.rules import load as rule_files
from alerting.rules.rule import Rule
from foundation.errors import ConfigError

_Mark = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the files say. Without `notify` nobody is told."""

    rules: tuple[Rule, ...]
    notify: NotifyConfig | None
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


class Files:
    """Reads what `config` names; `env` is what `${NAME}` looks into. Blocks: call it from a thread."""

    def __init__(self, config: AlertingConfig, env: Mapping[str, str]) -> None:
        self._config = config
        self._env = env
        self._seen: tuple[_Mark, ...] | None = None
        self._looked: tuple[_Mark, ...] | None = None
        self._calendars: tuple[Path, ...] = ()

    def read(self) -> Contents:
        """All files. Raises ConfigError with every fault in them."""
        before = tuple(_mark(path) for path in self._named())
        self._seen = self._looked = (*before, *map(_mark, self._calendars))
        faults: list[str] = []
        rules: tuple[Rule, ...] = ()
        notify: NotifyConfig | None = None
        calendars: Mapping[str, Calendar] = {}
        try:
            rules = rule_files.load(self._config.rules, self._env)
        except ConfigError as error:
            faults += error.problems
        try:
            notify = load_notify(self._config.notify, self._env) if self._config.notify else None
            self._calendars = tuple(one.ical for one in notify.time_intervals if one.ical) if notify else ()
            self._seen = self._looked = (*before, *map(_mark, self._calendars))
            calendars = notify.calendars() if notify else {}
        except ConfigError as error:
            faults += error.problems
        if faults:
            raise ConfigError(*faults)
        return Contents(rules=rules, notify=notify, calendars=calendars)

    def changed(self) -> bool:
        """Whether a file was written, added or removed since `read`, and nothing moved since the last look.

        A file that is being saved can be empty, half there or gone for a moment, and fewer rules end alerts.
        """
        before, self._looked = self._looked, self._marks()
        return self._looked == before and self._looked != self._seen

    def look_again(self) -> None:
        """What was read could not be taken up: it counts as changed."""
        self._seen = None

    def rule_files(self) -> tuple[str, ...]:
        """The rule files that are there now."""
        return tuple(str(path) for path in rule_files.rule_files(self._config.rules))

    def _named(self) -> tuple[Path, ...]:
        notify = (self._config.notify,) if self._config.notify else ()
        return (*rule_files.rule_files(self._config.rules), *notify)

    def _marks(self) -> tuple[_Mark, ...]:
        return tuple(_mark(path) for path in (*self._named(), *self._calendars))


def _mark(path: Path) -> _Mark:
    try:
        stat = path.stat()
    except OSError:
        return (str(path), 0, 0, 0)
    return (str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino)
