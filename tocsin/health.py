"""`tocsin health URL`: exit 0 if the URL answers 2xx. For health checks in images that have no curl."""

from __future__ import annotations

import argparse
import sys
from http import HTTPStatus
from urllib.error import URLError
from urllib.request import urlopen

from foundation.errors import ConfigError


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when healthy, 1 when not."""
    url = str(arguments.url)
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{url!r} is not a URL; write http://HOST:PORT/PATH")
    try:
        with urlopen(url, timeout=4) as reply:  # noqa: S310 - the scheme was checked above
            return 0 if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES else 1
    except (URLError, OSError) as error:
        print(f"tocsin health: {url}: {error}", file=sys.stderr)
        return 1
