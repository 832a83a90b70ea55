"""h2load: its command line, and what its output says."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .places import CANNED
from .processes import pinned
from .scenarios import Load

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class LoadFailed(Exception):
    """The generator hung or could not be read, or requests were not answered in full."""


@dataclass(frozen=True)
class Summary:
    """What h2load printed: `answered` are the requests that came to an end without an error,
    `refused` those with a status other than 2xx, `body_bytes` of all answers together."""

    requests: int
    answered: int
    refused: int
    body_bytes: int
    seconds: float
    per_second: float


@dataclass(frozen=True)
class Latency:
    p50_us: float
    p99_us: float


def command(load: Load, port: int, requests: int, log: Path | None = None) -> list[str]:
    line = ["h2load", "-t", "1", "-n", str(requests), "-c", str(load.connections)]
    line += ["--h1"] if load.http == 1 else ["-m", str(load.streams)]
    if load.rate is not None:
        line.append(f"--rps={load.rate / load.connections:g}")
    if load.body is not None:
        line += ["-d", str(CANNED / load.body)]
    for header in load.headers:
        line += ["-H", header]
    if log is not None:
        line.append(f"--log-file={log}")
    return [*line, url(load, port)]


def url(load: Load, port: int) -> str:
    return f"{'https' if load.tls else 'http'}://127.0.0.1:{port}{load.path}"


def parse_summary(output: str) -> Summary:
    def find(pattern: str) -> re.Match:
        found = re.search(pattern, output)
        if found is None:
            raise LoadFailed(f"h2load said nothing like {pattern!r}: {output.strip()[-300:]}")
        return found

    finished = find(r"finished in ([\d.]+)(us|ms|s), ([\d.]+) req/s")
    counts = find(r"requests: (\d+) total, \d+ started, (\d+) done.* (\d+) errored")
    statuses = find(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx")
    return Summary(
        requests=int(counts.group(1)),
        answered=int(counts.group(2)) - int(counts.group(3)),
        refused=sum(int(count) for count in statuses.groups()),
        body_bytes=int(find(r"\((\d+)\) data").group(1)),
        seconds=float(finished.group(1)) * UNITS[finished.group(2)],
        per_second=float(finished.group(3)),
    )


def parse_log(text: str) -> Latency:
    """The log has a line a request: start, status, duration (both in microseconds)."""
    times = sorted(int(line.split("\t")[2]) for line in text.splitlines() if line)
    if not times:
        raise LoadFailed("h2load logged no request")
    return Latency(percentile(times, 0.5), percentile(times, 0.99))


def percentile(ordered: list[int], share: float) -> float:
    """REQUIRES: ordered, not empty."""
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))])


def problem(summary: Summary, answer_bytes: int) -> str | None:
    """Why the load's answers are not all what the checked one was; None if they are.
    The 2xx are not counted on: h2load 1.52 misses those of HTTP/1.1 answers without a reason
    phrase (HAProxy's)."""
    expected = summary.requests * answer_bytes
    if summary.answered != summary.requests:
        return f"{summary.requests - summary.answered} of {summary.requests} not answered"
    if summary.refused > 0:
        return f"{summary.refused} of {summary.requests} not 2xx"
    if summary.body_bytes != expected:
        return f"bodies of {summary.body_bytes} bytes in all, not {expected}"
    return None


def run(load: Load, port: int, requests: int, cpu: int, limit: float,
        log: Path | None = None) -> Summary:
    """One run, at most `limit` seconds. subprocess.run kills it when it is interrupted."""
    line = pinned(cpu, command(load, port, requests, log))
    try:
        done = subprocess.run(line, capture_output=True, text=True, errors="replace",
                              timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"h2load did not end in {limit:.0f} s") from error
    return parse_summary(done.stdout)


def run_logged(load: Load, port: int, requests: int, cpu: int, limit: float) -> Latency:
    """A run of its own for the latencies: logging each request costs the generator a third."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        log = Path(folder) / "log"
        run(load, port, requests, cpu, limit, log)
        return parse_log(log.read_text())
