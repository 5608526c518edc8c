"""Certificates: files with a fault are refused with what to mend, renewed ones hold at once."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.errors import ConfigError
from foundation.tls import Certificates, TlsConfig, add_trust, load, name_of, trust
from tests.fakes.authority import Authority, Pair


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def config(authority: Authority) -> TlsConfig:
    pair = authority.issue("collector")
    return TlsConfig(certificate=pair.certificate, key=pair.key)


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake in memory; raises what either of them says."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for _ in range(8):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends


def common_name(end: ssl.SSLObject) -> str:
    return name_of(end.getpeercert() or {})


def replace_files(of: TlsConfig, pair: Pair) -> None:
    """As a program that renews certificates does: by rename."""
    for new, old in ((pair.key, of.key), (pair.certificate, of.certificate)):
        new.rename(old)


def missing(config: TlsConfig, folder: Path) -> TlsConfig:
    return replace(config, key=folder / "none.key")


def swapped(config: TlsConfig, _folder: Path) -> TlsConfig:
    return replace(config, certificate=config.key, key=config.certificate)


def of_another(config: TlsConfig, folder: Path) -> TlsConfig:
    return replace(config, key=Authority(folder / "other").issue("other").key)


def authority_is_none(config: TlsConfig, folder: Path) -> TlsConfig:
    file = folder / "ca.pem"
    file.write_text("nothing of the kind")
    return replace(config, client_ca=file)


def authority_of_others(config: TlsConfig, folder: Path) -> TlsConfig:
    return replace(config, client_ca=Authority(folder / "other", "strangers").file)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (missing, "collector.tls.key: {folder}/none.key: cannot be read: No such file or directory; mend the path"),
        (swapped, "collector.tls.certificate: {folder}/pki/collector.key: holds no certificate in PEM form; it begins"),
        (of_another, "collector.tls.key: {folder}/other/other.key: is not the key of {folder}/pki/collector.pem; name"),
        (authority_is_none, "collector.tls.client_ca: {folder}/ca.pem: holds no certificate in PEM form; it begins"),
        (authority_of_others, "collector.tls.client_ca: {folder}/other/strangers.pem: does not let in {folder}/pki/"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_its_mend(
    config: TlsConfig, tmp_path: Path, spoil: Callable[[TlsConfig, Path], TlsConfig], problem: str
):
    """Which setting, which file, what is wrong with it, and what to do."""
    with pytest.raises(ConfigError) as caught:
        load(spoil(config, tmp_path))
    assert str(caught.value).startswith(problem.format(folder=tmp_path))


def test_half_a_pair_and_a_pair_without_use_are_refused(config: TlsConfig):
    """Own certificates come with their key, and only where clients are asked for theirs."""
    with pytest.raises(ValueError, match="belong together"):
        replace(config, own_certificate=config.certificate)
    with pytest.raises(ValueError, match="is for mutual TLS"):
        replace(config, own_certificate=config.certificate, own_key=config.key)


def test_our_own_side_trusts_that_certificate_and_no_other_of_its_authority(config: TlsConfig, authority: Authority):
    """So that no name has to match."""
    other = authority.issue("other")
    ours, theirs = shake_hands(load(config)[0], trust(config))
    assert common_name(ours) == "collector"
    assert theirs.version() == "TLSv1.3"
    server, _ = load(TlsConfig(certificate=other.certificate, key=other.key))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, trust(config))


def test_nobody_speaks_older_tls(config: TlsConfig):
    """1.2 is the least."""
    client = trust(config)
    client.maximum_version = client.minimum_version = ssl.TLSVersion.TLSv1_2
    assert shake_hands(load(config)[0], client)[0].version() == "TLSv1.2"
    assert load(config)[0].minimum_version is ssl.TLSVersion.TLSv1_2


def test_mutual_tls_lets_in_who_has_a_certificate_of_the_authority(config: TlsConfig, authority: Authority):
    """Our own side shows its own; who shows none is turned away, unless that is optional."""
    mutual = replace(config, client_ca=authority.file)
    _, theirs = shake_hands(load(mutual)[0], trust(mutual))
    assert common_name(theirs) == "collector"
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shake_hands(load(mutual)[0], trust(config))
    _, theirs = shake_hands(load(replace(mutual, client="optional"))[0], trust(config))
    assert common_name(theirs) == ""


def test_our_own_side_may_have_a_certificate_of_its_own(config: TlsConfig, authority: Authority, tmp_path: Path):
    """Where the collector's is for servers only."""
    server = Authority(tmp_path / "public", "public").issue("public-name", usage="serverAuth")
    mutual = replace(config, certificate=server.certificate, key=server.key, client_ca=authority.file)
    with pytest.raises(ConfigError, match="own_certificate and own_key are what our own roles and commands present"):
        load(mutual)
    own = authority.issue("tocsin", usage="clientAuth")
    mutual = replace(mutual, own_certificate=own.certificate, own_key=own.key)
    _, theirs = shake_hands(load(mutual)[0], trust(mutual))
    assert common_name(theirs) == "tocsin"


def test_a_renewed_certificate_holds_for_the_next_handshake(config: TlsConfig, authority: Authority):
    """Once both files are at rest; the context that the socket holds stays the same."""
    certificates, client = Certificates(config), trust(config)
    replace_files(config, authority.issue("renewed"))
    assert not certificates.look()
    assert certificates.look()
    assert not certificates.look()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificates.listening, client)
    add_trust(client, config)
    ours, _ = shake_hands(certificates.listening, client)
    assert common_name(ours) == "renewed"


def test_a_renewed_authority_replaces_the_one_before(config: TlsConfig, authority: Authority, tmp_path: Path):
    """Clients of the old one are turned away, although the socket still has the context it began with."""
    own, mutual = authority.issue("own"), replace(config, client_ca=tmp_path / "clients.pem")
    assert mutual.client_ca is not None
    mutual.client_ca.write_bytes(authority.file.read_bytes())
    certificates, old = Certificates(mutual), trust(mutual)
    shake_hands(certificates.listening, old)
    successor = Authority(tmp_path / "next", "next")
    mutual.client_ca.write_bytes(successor.file.read_bytes())
    replace_files(mutual, successor.issue("renewed"))
    certificates.look()
    assert certificates.look()
    stranger = trust(replace(mutual, own_certificate=own.certificate, own_key=own.key))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(certificates.listening, stranger)
    _, theirs = shake_hands(certificates.listening, trust(mutual))
    assert common_name(theirs) == "renewed"


def test_files_with_a_fault_leave_in_force_what_was(config: TlsConfig, authority: Authority):
    """The fault is told once, not at every look."""
    certificates, client = Certificates(config), trust(config)
    config.key.write_bytes(authority.issue("other").key.read_bytes())
    certificates.look()
    with pytest.raises(ConfigError, match="is not the key of"):
        certificates.look()
    assert not certificates.look()
    ours, _ = shake_hands(certificates.listening, client)
    assert common_name(ours) == "collector"


def test_it_is_known_when_the_certificate_expires(config: TlsConfig, authority: Authority):
    """In seconds since 1970: the day on which this one was issued plus its days."""
    longer = authority.issue("longer", days=32)
    _, soon = load(config)
    _, late = load(TlsConfig(certificate=longer.certificate, key=longer.key))
    assert late - soon == pytest.approx(30 * 86_400, abs=3_600)


def test_who_has_no_common_name_is_known_by_another():
    """The first alternative name, else nobody."""
    assert name_of({"subject": ((("organizationName", "x"),),), "subjectAltName": (("DNS", "gate.example"),)}) == (
        "gate.example"
    )
    assert name_of({}) == ""


def test_a_certificate_that_has_expired_is_refused(authority: Authority):
    """At the start and at the check, not by each client of its own."""
    old = authority.issue("old", days=-1)
    with pytest.raises(ConfigError) as caught:
        load(TlsConfig(certificate=old.certificate, key=old.key))
    assert str(caught.value) == (
        f"collector.tls.certificate: {old.certificate}: nobody would accept it: certificate has expired; renew it"
    )
