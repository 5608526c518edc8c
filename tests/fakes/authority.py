"""A certificate authority of the test's own, made with the openssl program."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Issues certificates into `folder`. Skips the test where there is no openssl."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._program = shutil.which("openssl") or pytest.skip("the program openssl is not here")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.file, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        subject = ("-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")
        self._run("req", "-x509", *CURVE, "-days", "2", "-keyout", self._key, "-out", self.file, *subject)

    def issue(
        self, name: str, *, usage: str = "serverAuth,clientAuth", days: int = 2, hosts: tuple[str, ...] = ()
    ) -> Pair:
        """A certificate for `name` that holds for 127.0.0.1 and for `hosts`."""
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        names = ",".join(("IP:127.0.0.1", *(f"DNS:{host}" for host in hosts)))
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        self._run("req", "-new", *CURVE, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
        signed = ("-CA", self.file, "-CAkey", self._key, "-CAcreateserial", "-extfile", extensions)
        self._run("x509", "-req", "-in", request, *signed, "-days", str(days), "-out", pair.certificate)
        return pair

    def _run(self, *words: str | Path) -> None:
        done = subprocess.run([self._program, *map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
