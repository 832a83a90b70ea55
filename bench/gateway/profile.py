"""Where Parley's CPU time goes under a scenario's load, by Linux' perf: microseconds per request in
the kernel, by system call, and in each part of the program."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import answers, load
from .measure import WARM_UP_REQUESTS, Progress, start_upstream
from .peers import Peer, Ports
from .processes import Process, StartFailed, cpus, free_ports
from .report import aligned
from .scenarios import Scenario, by_name

NAME = "profile"
WHAT = "where Parley's CPU time goes under the loads of PROFILED (needs perf, as root)"
PROFILED = ("grpc", "grpc-tls", "rest-get", "rest-get-h2")
SECONDS = 6.0
HERTZ = 4999

# The innermost function of the program decides; the first pattern that fits its name, or the name
# of its library, wins.
PARTS = (
    ("copying of bytes", r"^(__)?mem(cpy|move|set|cmp)"),
    ("memory: malloc, pools", r"malloc|^_int_|free$|realloc|calloc|operator (new|delete)|Pool"),
    ("TLS (OpenSSL)", r"lib(ssl|crypto)|^(SSL|EVP|aes|gcm|CRYPTO|BIO|tls|ssl)_|Tls|openssl"),
    ("HTTP/2 frames, HPACK (nghttp2)", r"nghttp2"),
    ("HTTP/2, around nghttp2", r"http::Http2|http::H2|http::make_h2"),
    ("HTTP/1.1", r"http::Http1|http::.*[Hh]ttp1"),
    ("JSON and protobuf", r"parley::wire::"),
    ("doors: REST and gRPC", r"parley::door::"),
    ("upstream: choice, calls", r"parley::(upstream|service|call)::"),
    ("policies, log, metrics", r"parley::(edge|gateway|observe|policy|contract)::"),
    ("fields and values", r"parley::(Fields|Bytes|Failure|ByteBuffer|ascii)|parley::\w+\("),
    ("loop, timers, coroutines", r"parley::loop::|clock_gettime|vdso"),
    ("sockets, queues", r"parley::net::"),
    ("HTTP, both versions", r"parley::http::"),
)
OTHER = "other"
SYSCALL = re.compile(r"^__(?:x64|arm64)_sys_(\w+)")
PARLEY_HEAD = re.compile(r"^\S")  # perf script: a sample's head is not indented, its frames are
FRAME = re.compile(r"^\s+[0-9a-f]+\s+(.*?)\s+\(([^()]*(?:\([^()]*\))?[^()]*)\)\s*$")


@dataclass
class Result:
    """Of one scenario: CPU microseconds per request, and the samples of each part."""

    name: str
    failed: str | None = None
    cpu_us: float = 0.0
    samples: Counter = field(default_factory=Counter)

    def rows(self) -> list[tuple[str, float]]:
        """Microseconds per request, the dearest first."""
        total = sum(self.samples.values()) or 1
        return [(part, self.cpu_us * count / total) for part, count in self.samples.most_common()]


def measure(peers: dict[str, Peer], names: Iterable[str], progress: Progress) -> list[Result]:
    if shutil.which("perf") is None:
        return [Result(NAME, "perf is missing (Debian package linux-perf)")]
    results = []
    for name in names:
        progress(name)
        try:
            results.append(profile(by_name(name), peers["parley"]))
        except (StartFailed, answers.WrongAnswer, load.LoadFailed,
                subprocess.CalledProcessError) as error:
            results.append(Result(name, str(error)))
    return results


def profile(scenario: Scenario, parley: Peer) -> Result:
    result = Result(scenario.name)
    upstream_port, port = free_ports(2)
    with contextlib.ExitStack() as running:
        running.enter_context(start_upstream(upstream_port))
        command = parley.command(Ports(port, upstream_port), scenario.load)
        gateway = running.enter_context(Process("profile", command, port, cpus()[0]))
        answers.check(scenario.load, port)
        warm = load.run(scenario.load, port, WARM_UP_REQUESTS, cpus()[1], limit=15.0)
        requests = max(WARM_UP_REQUESTS, int(warm.per_second * SECONDS))
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="profile-")))
        record = ["perf", "record", "--quiet", "--freq", str(HERTZ), "--call-graph", "fp",
                  "--output", str(folder / "data"), "--pid", str(gateway.pid)]
        recorder = subprocess.Popen([*record, "--", "sleep", str(SECONDS / 2)],
                                    stderr=subprocess.DEVNULL)
        running.callback(recorder.wait)
        before = gateway.cpu_seconds()
        load.run(scenario.load, port, requests, cpus()[1], limit=60.0)
        result.cpu_us = (gateway.cpu_seconds() - before) * 1e6 / requests
        recorder.wait()
        script = subprocess.run(["perf", "script", "--input", str(folder / "data"), "--fields",
                                 "comm,ip,sym,dso"], capture_output=True, text=True, check=True)
        result.samples = count_parts(script.stdout.splitlines())
    return result


def count_parts(lines: Iterable[str]) -> Counter:
    """`lines` of perf script: a head for each sample, then its frames, the innermost first."""
    parts: Counter = Counter()
    frames: list[tuple[str, str]] = []
    for line in [*lines, "end"]:
        frame = FRAME.match(line)
        if frame:
            frames.append((frame[1], frame[2]))
        elif PARLEY_HEAD.match(line) and frames:
            parts[part_of(frames)] += 1
            frames = []
    return parts


def part_of(frames: list[tuple[str, str]]) -> str:
    """Of one sample. `frames`: function and library, the innermost first."""
    if in_kernel(frames[0]):
        calls = (SYSCALL.match(name) for name, _ in frames)
        call = next((found[1] for found in calls if found), None)
        return f"kernel: {call}" if call else "kernel: interrupts, scheduling"
    name, library = frames[0]
    for part, pattern in PARTS:
        if re.search(pattern, name) or re.search(pattern, library):
            return part
    return OTHER


def in_kernel(frame: tuple[str, str]) -> bool:
    return "kernel" in frame[1] or frame[1].endswith(".ko")


def report(results: list[Result]) -> str:
    lines = [f"{NAME}: {WHAT}"]
    for result in results:
        if result.failed is not None:
            lines.append(f"  {result.name}: FAILED: {result.failed}")
            continue
        rows = [[result.name, "us/req", ""]]
        rows += [[part, f"{us:.2f}", f"{us / result.cpu_us:.0%}"]
                 for part, us in result.rows() if us >= 0.01 * result.cpu_us]
        rows.append(["all", f"{result.cpu_us:.2f}", f"{sum(result.samples.values())} samples"])
        lines += ["", *aligned(rows)]
    return "\n".join(lines)


def json_lines(results: list[Result]) -> list[str]:
    return [json.dumps({"scenario": NAME, "of": one.name} | (
        {"failed": one.failed} if one.failed is not None else
        {"cpu_us_per_request": one.cpu_us, "parts_us": dict(one.rows())})) for one in results]
