"""Commands that need a copy of the store: what they say where another machine or server keeps the lines."""

from argparse import Namespace
from pathlib import Path

import pytest

from foundation.errors import ConfigError
from foundation.settings import decode
from tocsin.config import TocsinConfig
from tocsin.copying import copied_store


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("{kind: remote, url: 'http://far:8186'}", "the collector at http://far:8186; run the command on its machine"),
        ("{kind: influxdb, url: 'http://far:8086', org: o, token: t}", "use what it offers, as `influx backup`"),
    ],
)
def test_lines_that_another_keeps(tmp_path: Path, store: str, words: str) -> None:
    """It names who has them, and what to do there."""
    config = decode(TocsinConfig, f"store: {store}\n", name="tocsin.yml", folder=tmp_path, env={})
    with pytest.raises(ConfigError, match=words), copied_store(config, Namespace(url="")):
        pass
