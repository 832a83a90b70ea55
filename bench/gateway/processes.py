"""Processes under measurement: pinned, watched through /proc, stopped whatever happens."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .places import LOGS

START_SECONDS = 20.0
STOP_SECONDS = 5.0
FIRST_PORT = 21000  # below the kernel's ephemeral ports, which the load's own connections take

PROC = Path("/proc")


class StartFailed(Exception):
    """A process ended, or did not listen in time; the text has its last words."""


def cpus() -> tuple[int, int]:
    """The CPU of the gateway, and that of the load and the upstream (the same if only one)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


def free_ports(count: int) -> list[int]:
    ports = []
    for port in range(FIRST_PORT, 32768):
        if len(ports) == count:
            break
        if can_bind(port):
            ports.append(port)
    return ports


def can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pinned(cpu: int | str, command: Sequence[str]) -> list[str]:
    """Dies with its parent, even if that is killed, and runs on one CPU, or on some ("0,1")."""
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(cpu), *command]


class Process:
    """A server on a port of the loopback. Use as a context; leaving it stops the process."""

    def __init__(self, name: str, command: Sequence[str], port: int, cpu: int | str,
                 environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.port = port
        self._log = LOGS / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                pinned(cpu, command),
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> "Process":
        deadline = time.monotonic() + START_SECONDS
        while not listens(self.port):
            if self._process.poll() is not None:
                raise StartFailed(f"ended with {self._process.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                raise StartFailed(f"does not listen: {self.last_words()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """The whole tree: what leads it may be slow to tell its workers, or not tell them."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def last_words(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

    def cpu_seconds(self) -> float:
        return sum(cpu_nanoseconds(pid) for pid in tree(self.pid)) / 1e9

    def resident_mib(self) -> float:
        return sum(resident_kib(pid) for pid in tree(self.pid)) / 1024


def tree(pid: int) -> list[int]:
    children = (PROC / str(pid) / "task").glob("*/children")
    found = [int(child) for file in children for child in file.read_text().split()]
    return [pid] + [process for child in found for process in tree(child)]


def cpu_nanoseconds(pid: int) -> int:
    """Time on a CPU, user and system, of all living threads: the kernel's own count, where
    utime and stime of /proc/PID/stat have the grain of a clock tick (10 ms)."""
    tasks = (PROC / str(pid) / "task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def resident_kib(pid: int) -> int:
    return status_kib(pid, "VmRSS")


def anonymous_kib(pid: int) -> int:
    """Resident memory that is no file's: heap, stacks, pools."""
    return status_kib(pid, "RssAnon")


def status_kib(pid: int, name: str) -> int:
    status = (PROC / str(pid) / "status").read_text()
    found = re.search(name + r":\s+(\d+)", status)
    return int(found.group(1)) if found else 0
