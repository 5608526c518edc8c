"""Personal data taken out of sight: a fixed text in place of a tag's or field's value, or of all but its ends.

Where hash keeps people countable, mask keeps nothing but what a reader needs: the last digits of a card, an area code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collector.transform.substitution import Substituted, Substitution
from foundation.line_protocol.encode import encode_head, encode_value
from foundation.line_protocol.line import FieldValue, LineError


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskConfig(Substituted):
    """`text` in place of each value of `tags` and `fields`, between its first and last characters if some are kept.

    A value that is hardly longer than what would be kept is masked whole: at least half of it has to go.
    """

    kind: Literal["mask"] = "mask"
    text: str = "***"
    keep_first: int = 0
    keep_last: int = 0

    def __post_init__(self) -> None:
        """Refuse a text that could not stand in a tag."""
        self.demand_names("mask")
        if self.keep_first < 0 or self.keep_last < 0:
            raise ValueError("`keep_first` and `keep_last` are 0 or more characters")
        if self.text[:1] in ("", ",", "=", " "):
            raise ValueError("`text` is empty or starts with a comma, an equals sign or a blank; write it as in: ***")
        try:
            encode_head("m", {"tag": self.text})
        except LineError as error:
            raise ValueError(f"`text`: {error.reason}") from error


class Mask(Substitution):
    """Numbers are masked as they are written."""

    name = "mask"

    def __init__(self, config: MaskConfig) -> None:
        super().__init__(config)
        self._text = config.text
        self._first = config.keep_first
        self._last = config.keep_last

    def instead(self, value: FieldValue) -> str:
        """The text, with what is kept of the value around it."""
        shown = value if isinstance(value, str) else encode_value(value).decode()
        if len(shown) < 2 * (self._first + self._last):
            return self._text
        return shown[: self._first] + self._text + shown[len(shown) - self._last :]
