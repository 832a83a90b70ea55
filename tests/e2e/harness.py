"""What end-to-end tests start and wait for: the shop, the gateway, clients that we did not write.

Use it from setUpClass or setUpModule, and give what it starts to addClassCleanup or
addModuleCleanup. Every process ends with the test run, however that ends.
"""

import json
import os
import re
import shutil
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("PARLEY_BUILD", "build/release")
START_SECONDS = 60


def wait_until(condition: Callable[[], object], what: str, seconds: float = 10):
    """Returns the condition's first true value; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return value


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tool(name: str) -> str:
    """The path of an installed program; a missing one is a failure."""
    places = f"{ROOT}/build/tools/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
    path = shutil.which(name, path=places)
    assert path, f"{name} is not installed: ./dev test installs it"
    return path


class Process:
    """A program beside the test, its output in a file. It is killed when this test run dies.
    `how`: as for Popen."""

    def __init__(self, *command: str | Path, name: str = "", **how):
        self.name = name or Path(command[0]).name
        self._output = tempfile.NamedTemporaryFile(prefix=f"{self.name}-", suffix=".log")
        guarded = [tool("setpriv"), "--pdeathsig", "KILL", "--", *map(str, command)]
        self._process = subprocess.Popen(
            guarded, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output,
            **how,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> re.Match:
        """The first match of a pattern in the output."""

        def look() -> re.Match | None:
            ended = not self.running
            match = re.search(pattern, self.output, re.MULTILINE)
            assert match or not ended, f"{self.name} ended:\n{self.output[-2000:]}"
            return match

        return wait_until(look, f"{pattern!r} from {self.name}", seconds)

    def signal(self, number: int):
        self._process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """The exit code; that of a process killed by a signal is negative."""
        return self._process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM, and SIGKILL when that does not help."""
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self.wait()
        finally:
            self._output.close()


class Shop:
    """The demo's three services over data of their own."""

    def __init__(self, *, pace: float = 0):
        self._data = tempfile.TemporaryDirectory(prefix="shop-")
        self.services: dict[str, Process] = {}
        self.addresses: dict[str, str] = {}
        self._orders = ["--pace", str(pace)]
        for name in ("users", "catalogue", "orders"):
            self.start(name)

    def start(self, name: str):
        """Starts one service, on its former address when it had one."""
        flags = ["--data", self._data.name, "--listen", self.addresses.get(name, "127.0.0.1:0")]
        if name == "orders":
            flags += ["--users", self.addresses["users"]]
            flags += ["--catalogue", self.addresses["catalogue"], *self._orders]
        process = Process(BUILD / "demo/shop", name, *flags, name=name)
        self.services[name] = process
        self.addresses[name] = process.wait_for(r"^listening on (\S+)")[1]

    def stop(self):
        for process in self.services.values():
            process.stop()
        self._data.cleanup()


class Gateway:
    """`parley serve` on ports of its own, ready when the constructor returns."""

    def __init__(
        self,
        *flags: str,
        ready: bool = True,
        admin: bool = True,
        port: int = 0,
        listen: bool = True,  # False: the flags name a file that says so
        descriptors: int = 0,  # that it may have open; 0: as this process
    ):
        self.port, self.admin_port = port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        self.admin_address = f"127.0.0.1:{self.admin_port}" if admin else "off"
        places = ["--listen", f"127.0.0.1:{self.port}"] if listen else []
        places += ["--admin", self.admin_address]
        under = [tool("prlimit"), f"--nofile={descriptors}:{descriptors}"] if descriptors else []
        self.process = Process(*under, BUILD / "parley", "serve", *places, *flags, name="parley")
        if ready:
            self.wait_ready()

    def wait_ready(self, seconds: float = START_SECONDS):
        def ready() -> bool:
            assert self.process.running, f"parley ended:\n{self.process.output[-2000:]}"
            return curl(f"{self.admin_url}/readyz").status == 200

        wait_until(ready, "parley to be ready", seconds)

    def stop(self) -> int:
        return self.process.stop()


def demo() -> tuple[Shop, Gateway]:
    """The shop behind a gateway."""
    shop = Shop()
    flags = [part for address in shop.addresses.values() for part in ("--upstream", address)]
    try:
        return shop, Gateway(*flags)
    except BaseException:
        shop.stop()
        raise


def strict_users(case: unittest.TestCase, message: bytes) -> tuple[int, Gateway]:
    """A gateway before a strict server of the demo's users that answers every call with `message`,
    and that server's port; both until the case is over."""
    answer = tempfile.NamedTemporaryFile(prefix="answer-")
    case.addCleanup(answer.close)
    Path(answer.name).write_bytes(message)
    port = free_port()
    strict = Process(BUILD / "bench/bench_strict_upstream", port, answer.name)
    case.addCleanup(strict.stop)
    strict.wait_for("^listening$")
    proto = ROOT / "demo/proto"
    gateway = Gateway(
        *("--upstream", f"users=127.0.0.1:{port}", "--threads", "1", "--log", "off"),
        *("--proto", f"users={proto}/shop/v1/users.proto", "--include", f"users={proto}"),
    )
    case.addCleanup(gateway.stop)
    return port, gateway


class Answer:
    """What curl got: the last status (0 for none), its headers in lower case, and the body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.headers} {self.body[:500]!r}>"


def curl(*arguments: str, seconds: float = 20) -> Answer:
    """Runs curl. A connection that fails is an answer with status 0."""
    with tempfile.NamedTemporaryFile(prefix="headers-") as dumped:
        command = [tool("curl"), "-s", "--max-time", str(seconds), "-D", dumped.name, *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        heads = Path(dumped.name).read_text(encoding="latin-1")
    status, headers = 0, {}
    for line in heads.splitlines():
        if start := re.match(r"HTTP/\S+ (\d+)", line):
            status, headers = int(start[1]), {}
        elif ": " in line:
            name, value = line.split(": ", 1)
            headers[name.lower()] = value
    return Answer(status, headers, done.stdout)


class Lines:
    """A curl whose answer is read line by line while it comes."""

    def __init__(self, *arguments: str):
        self._process = subprocess.Popen(
            [tool("curl"), "-sN", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self._pending = b""

    def next(self, seconds: float = 10) -> str:
        """The next line without its end; "" when the answer has ended."""
        output = self._process.stdout
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise AssertionError(f"no line within {seconds} s after {self._pending!r}")
            chunk = os.read(output.fileno(), 65536)
            if not chunk:
                break
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()

    def exit_status(self, seconds: float = 10) -> int:
        return self._process.wait(seconds)

    def stop(self):
        """Ends it where it is, as a client that goes away."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
