"""What is remembered of JSON readings, so that one like others before is written without looking at its names again.

A form is the keys of a reading and the types of their values. All readings of a form are written by one template: where
the head (measurement and tags) stands, which fields follow, where the time is. Heads are remembered by their values.
Called by json_telemetry, whose way item by item says what is right: a form is made only of a reading that went that
way, and whatever a template cannot write goes that way again.

Invariant: the template writes what the decoder would, byte for byte, or nothing. Everything remembered is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from foundation.line_protocol.encode import encode, encode_head, encode_value
from foundation.line_protocol.line import FieldValue, LineError
from foundation.line_protocol.precision import LEAST_NS, MOST_NS
from foundation.line_protocol.rfc3339 import parse_rfc3339

MOST_FORMS = 512
MOST_HEAD_BYTES = 16 << 20
"""Memory of all heads together, about: room for some fifty thousand ordinary ones."""
_HEAD_BYTES = 200
"""What a remembered head takes beside its text, about."""
_MOST_VALUES = 256
"""Of a reading that has a form."""
_LONGEST_NAMES = 4_096
"""Characters of a head, and of a form's names: far enough from InfluxDB's limit on both together."""
_SHORT_TEXT = 1 << 18
"""Characters of a text that are fewer bytes than InfluxDB's limit, whatever they are."""
_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1
_NAMES = frozenset({"measurement", "time"})

Values = tuple[Any, ...]
HeadOf = Callable[[dict[str, Any], str], tuple[str, Mapping[str, str]]]
"""The measurement (or the given one) and the tags of a reading. Raises LineError."""


class Form:
    """One template. `heads` belong to the form, as its types tell a tag `1` from a tag `true`."""

    __slots__ = ("_conversions", "_fields", "_template", "_time", "default", "head_key", "heads", "names", "types")

    def __init__(self, default: str, names: Values, types: Values, layout: Layout) -> None:
        self.default = default
        self.names = names
        self.types = types
        self.head_key = _picker(layout.head)
        """Takes from the values what tells the heads of this form apart."""
        self._template = layout.template
        self._fields = _picker(layout.fields)
        self._conversions = layout.conversions
        self._time = layout.time
        self.heads: dict[Any, str] = {}

    def write(self, head: str, values: Values, unit_ns: int, index_ns: int) -> str:
        """The line with its newline. Raises LineError for a value that has to be looked at."""
        fields = self._fields(values)
        if self._conversions:
            fields = list(fields)
            for at, convert in self._conversions:
                fields[at] = convert(fields[at])
        if self._time is None:
            time_ns = index_ns
        else:
            time = values[self._time]
            time_ns = time * unit_ns if type(time) is int else parse_rfc3339(time)
        if not LEAST_NS <= time_ns <= MOST_NS:
            raise LineError("time outside range")
        return self._template % (head, *fields, time_ns)


class Forms:
    """The forms of one decoder's readings."""

    def __init__(
        self,
        tags: frozenset[str],
        integers: frozenset[str],
        head_of: HeadOf,
        *,
        most_forms: int = MOST_FORMS,
        most_head_bytes: int = MOST_HEAD_BYTES,
    ) -> None:
        self._most_forms = most_forms
        self._most_head_bytes = most_head_bytes
        self._tags = tags
        self._integers = integers
        self._head_of = head_of
        self._forms: dict[tuple[str, Values, Values], Form] = {}
        self._last: Form | None = None
        """The form of the reading before, which most often is that of the next."""
        self._head_bytes = 0
        self._plain = tags.isdisjoint(_NAMES)

    def write(self, item: Any, default: str, unit_ns: int, index_ns: int) -> str | None:
        """The line of a reading whose form is known; `default` is the measurement of one that names none."""
        if type(item) is not dict:
            return None
        names, values = _spread(item)
        types = tuple(map(type, values))
        form = self._last
        if form is None or form.types != types or form.names != names or form.default != default:
            form = self._forms.get((default, names, types))
            if form is None:
                return None
            self._last = form
        try:
            place = form.head_key(values)
            head = form.heads.get(place)
            if head is None:
                head = self._remember_head(form, place, item, default)
            return form.write(head, values, unit_ns, index_ns)
        except LineError:
            return None

    def learn(self, item: dict[str, Any], default: str) -> None:
        """Remember the form of a reading that was taken, if a template can write it."""
        names, values = _spread(item)
        layout = self._layout(item) if self._plain and len(values) <= _MOST_VALUES else None
        if layout is not None:
            if len(self._forms) >= self._most_forms:
                self._forget()
            types = tuple(map(type, values))
            self._forms[default, names, types] = Form(default, names, types, layout)

    def _remember_head(self, form: Form, place: Any, item: dict[str, Any], default: str) -> str:
        head = encode_head(*self._head_of(item, default)).decode()
        if len(head) > _LONGEST_NAMES:
            raise LineError("too long to be remembered")
        if self._head_bytes >= self._most_head_bytes:
            self._forget()
        self._head_bytes += 2 * len(head) + _HEAD_BYTES
        form.heads[place] = head
        return head

    def _forget(self) -> None:
        self._forms.clear()
        self._last = None
        self._head_bytes = 0

    def _layout(self, item: dict[str, Any]) -> Layout | None:
        layout = Layout()
        full = type(item.get("fields")) is dict
        names = [(name, "item" if full else "both", value) for name, value in item.items()]
        if full:
            names += [(name, "tag", value) for name, value in (item.get("tags") or {}).items()]
            names += [(name, "field", value) for name, value in item["fields"].items()]
        for place, (name, role, value) in enumerate(names):
            if role == "tag" or (role == "both" and name in self._tags):
                fits = layout.take_tag(place, value)
            elif role != "field" and name in _NAMES:
                fits = layout.take_named(place, name, value)
            else:
                fits = role == "item" or layout.take_field(place, name, value, whole=name in self._integers)
            if not fits:
                return None
        return layout.finished()


class Layout:
    """A template in the making: what stands where in the values of a reading."""

    def __init__(self) -> None:
        self.head: list[int] = []
        self.fields: list[int] = []
        self.conversions: list[tuple[int, Callable[[Any], Any]]] = []
        self.time: int | None = None
        self.template = ""
        self._parts: list[str] = []

    def take_tag(self, place: int, value: Any) -> bool:
        """A tag, or nothing where it is null. Numbers with a fraction are left to the decoder: -0.0 equals 0.0."""
        if value is not None:
            self.head.append(place)
        return value is None or type(value) in (str, int, bool)

    def take_named(self, place: int, name: str, value: Any) -> bool:
        """The measurement or the time."""
        if name == "measurement":
            self.head.append(place)
            return type(value) is str
        self.time = None if value is None else place
        return value is None or type(value) in (int, str)

    def take_field(self, place: int, name: str, value: Any, *, whole: bool) -> bool:
        """A field; nothing where it is null."""
        kind = type(value)
        if kind is type(None):
            return True
        wanted = "int" if whole and kind is int else kind.__name__
        if wanted not in _SPECS or (whole and kind is float):
            return False
        if kind is int and not whole:
            wanted = "float"
            self.conversions.append((len(self.fields), float))
        elif wanted in _CONVERSIONS:
            self.conversions.append((len(self.fields), _CONVERSIONS[wanted]))
        written = encode("m", {}, {name: 0.0}).decode().removeprefix("m ").removesuffix("0.0")
        self._parts.append(written.replace("%", "%%") + _SPECS[wanted])
        self.fields.append(place)
        return True

    def finished(self) -> Layout | None:
        """With its template; None where there is nothing to write, or too much."""
        self.template = "%s " + ",".join(self._parts) + " %d\n"
        return self if self._parts and len(self.template) <= _LONGEST_NAMES else None


def _spread(item: dict[str, Any]) -> tuple[Values, Values]:
    """The names of a reading, those within it behind its own, and the values in the same order."""
    fields = item.get("fields")
    if type(fields) is not dict:
        return tuple(item), tuple(item.values())
    tags = item.get("tags")
    if type(tags) is not dict:
        return (*item, None, *fields), (*item.values(), *fields.values())
    return (*item, None, *tags, None, *fields), (*item.values(), *tags.values(), *fields.values())


def _picker(places: list[int]) -> Callable[[Values], Any]:
    """Takes the values at these places; always as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    first = slice(places[0], places[0] + 1) if places else slice(0, 0)
    return itemgetter(first)


def _whole(value: int) -> int:
    if not _LEAST_INT <= value <= _MOST_INT:
        raise LineError("out of range")
    return value


def _quoted(value: FieldValue) -> str:
    text = str(value)
    if len(text) <= _SHORT_TEXT and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return encode_value(text).decode()


_SPECS = {"float": "%r", "int": "%di", "bool": "%s", "str": "%s"}
_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "int": _whole,
    "bool": {True: "true", False: "false"}.__getitem__,
    "str": _quoted,
}
