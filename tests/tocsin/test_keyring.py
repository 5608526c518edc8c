"""The TLS of a process follows its files, on the listening side and on the trusting one, and is counted."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from foundation.errors import ConfigError
from foundation.tls import TlsConfig, load
from tests.fakes.authority import Authority, Pair
from tests.foundation.test_tls import replace_files, shake_hands
from tocsin.keyring import Keyring, KeyringMetrics


@dataclass
class Held:
    """A keyring and what it counts."""

    keyring: Keyring
    registry: CollectorRegistry

    def look_until_at_rest(self) -> None:
        """Files that have just changed are read at the second look."""
        self.keyring.look()
        self.keyring.look()

    def count(self, outcome: str) -> float:
        return (
            self.registry.get_sample_value(
                "tocsin_certificate_readings_total", {"role": "collector", "outcome": outcome}
            )
            or 0.0
        )


def hold(config: TlsConfig | None, *, listens: bool) -> Held:
    registry = CollectorRegistry()
    return Held(Keyring(config, listens=listens, metrics=KeyringMetrics(registry)), registry)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def config(authority: Authority) -> TlsConfig:
    pair = authority.issue("collector")
    return TlsConfig(certificate=pair.certificate, key=pair.key)


def context(held: Held) -> ssl.SSLContext:
    assert isinstance(held.keyring.trust, ssl.SSLContext)
    return held.keyring.trust


@pytest.mark.parametrize("listens", [True, False])
def test_both_sides_take_up_a_renewed_certificate(config: TlsConfig, authority: Authority, *, listens: bool) -> None:
    """In the collector's process and in those that only speak to it."""
    held = hold(config, listens=listens)
    replace_files(config, authority.issue("renewed"))
    held.look_until_at_rest()

    server = held.keyring.listening if listens else load(config)[0]
    assert server is not None
    shake_hands(server, context(held))
    assert held.count("taken_up") == 1


def test_a_fault_is_counted_and_told_and_changes_nothing(
    config: TlsConfig, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, however often it is looked at."""
    held = hold(config, listens=True)
    config.key.write_bytes(authority.issue("other").key.read_bytes())
    with caplog.at_level(logging.ERROR):
        held.look_until_at_rest()
        held.look_until_at_rest()

    assert held.count("refused") == 1
    assert caplog.text.count("certificates not taken up, those before stay in force") == 1
    assert held.keyring.listening is not None
    shake_hands(held.keyring.listening, context(held))


def test_without_tls_there_is_nothing_to_hold() -> None:
    """Others are trusted as this machine trusts them."""
    held = hold(None, listens=True)
    held.keyring.look()

    assert (held.keyring.listening, held.keyring.trust) == (None, True)
    assert held.registry.get_sample_value("tocsin_certificate_expires_seconds", {"role": "collector"}) == 0


def test_the_day_of_expiry_is_shown(config: TlsConfig, authority: Authority) -> None:
    """Of the certificate that is in force now."""
    held = hold(config, listens=True)
    before = held.registry.get_sample_value("tocsin_certificate_expires_seconds", {"role": "collector"})
    longer: Pair = authority.issue("longer", days=32)
    replace_files(config, longer)
    held.look_until_at_rest()

    after = held.registry.get_sample_value("tocsin_certificate_expires_seconds", {"role": "collector"})
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(30 * 86_400, abs=3_600)


def test_a_bad_file_at_the_start_is_an_error(config: TlsConfig) -> None:
    """Before any role starts."""
    config.key.unlink()
    with pytest.raises(ConfigError, match=r"collector\.tls\.key"):
        hold(config, listens=True)
