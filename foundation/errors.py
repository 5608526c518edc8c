"""The tree of errors. An error knows whether trying again can help, so no caller has to guess.

    TocsinError
    |- ConfigError      a file or variable is wrong: says what, where and how to mend it
    |- Transient        the same call may succeed later; `retry_after_s` when the other side said when
    `- Permanent        the same call will never succeed

Rooms derive from Transient or Permanent and never from TocsinError directly.
"""

from __future__ import annotations


class TocsinError(Exception):
    """Root of all errors that are raised on purpose."""


class ConfigError(TocsinError):
    """Configuration is wrong. `problems` holds one complete sentence for each fault, with file, line and path."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Transient(TocsinError):
    """Trying again later may succeed."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Permanent(TocsinError):
    """Trying again cannot succeed: the input itself has to change."""
