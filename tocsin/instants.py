"""Points in time as an operator types them, for commands that look back."""

from __future__ import annotations

from foundation import durations
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.line_protocol.line import LineError
from foundation.line_protocol.rfc3339 import parse_rfc3339


def instant_ns(option: str, text: str) -> int:
    """An instant, or a span before now, as ns since 1970. Raises ConfigError that names the option."""
    try:
        if text[:1].isdigit() and "-" in text:
            return parse_rfc3339(text)
        ago = durations.parse(text)
    except (ValueError, LineError) as error:
        raise ConfigError(
            f"--{option}: {text!r} is neither a duration, as in 2h, nor a time, as in 2026-01-31T08:00:00Z"
        ) from error
    return max(SystemClock().now_ns() - int(ago.total_seconds() * 1e9), 1)
