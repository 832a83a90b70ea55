"""Parley as the gateway under test."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from socket import create_connection, create_server

from .contract import ROOT

START_SECONDS = 60


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Gateway:
    """A gateway beside this process; what it says is in a file. It listens when constructed."""

    def __init__(self, name: str, command: list[str], port: int, environment=None):
        self.url = f"http://127.0.0.1:{port}"
        self._output = tempfile.NamedTemporaryFile(prefix=f"{name}-", suffix=".log")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = Path(self._output.name).read_text(errors="replace")[-2000:]
                self.stop()
                raise RuntimeError(f"{name} does not listen:\n{said}")
            time.sleep(0.02)

    def ended(self, seconds: float) -> bool:
        """Whether it has ended by itself, or does within these seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()


def _listens(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def parley(upstream: str, descriptors: Path) -> Gateway:
    program = ROOT / os.environ.get("PARLEY_BUILD", "build/release") / "parley"
    port = free_port()
    flags = ["--upstream", upstream, "--descriptor-set", str(descriptors), "--admin", "off"]
    listen = ["--listen", f"127.0.0.1:{port}", "--threads", "1", "--log", "off"]
    return Gateway("parley", [str(program), "serve", *listen, *flags], port)
