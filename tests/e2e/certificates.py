"""Certificates for tests, by the openssl command."""

import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from harness import tool


class Pair(NamedTuple):
    """A certificate and its key."""

    cert: Path
    key: Path

    @property
    def flags(self) -> list[str]:
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]


class Authority:
    """A private authority, with a folder for what it makes."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="authority-"))
        self.ca, self._key = self.folder / "ca.pem", self.folder / "ca.key"
        self._issued = 0
        self._openssl("req", "-x509", *NEW_KEY, "-keyout", self._key, "-out", self.ca, "-days", 90,
                      "-subj", "/O=Parley/CN=test authority")

    def issue(
        self, *names: str, days: int = 1, common_name: str = "test", extensions=()
    ) -> Pair:
        """A certificate for names such as "DNS:a.test"; with negative days it has expired."""
        self._issued += 1
        stem = self.folder / f"leaf-{self._issued}"
        pair = Pair(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        request, extended = stem.with_suffix(".csr"), stem.with_suffix(".ext")
        lines = [f"subjectAltName={','.join(names)}", *extensions]
        extended.write_text("".join(f"{line}\n" for line in lines))
        self._openssl("req", "-new", *NEW_KEY, "-keyout", pair.key, "-out", request,
                      "-subj", f"/O=Parley/CN={common_name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key,
                      "-out", pair.cert, "-extfile", extended, "-days", days,
                      "-set_serial", f"0x{secrets.token_hex(16)}")
        return pair

    def remove(self):
        shutil.rmtree(self.folder)

    @staticmethod
    def _openssl(*arguments):
        command = [tool("openssl"), *map(str, arguments)]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True)


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
