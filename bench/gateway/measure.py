"""Runs one scenario: starts the upstream and every peer, checks, warms up, measures in turns.

A round goes peer A, Parley, peer B, Parley, ...: each peer is compared with the Parley run right
after it, so that what drifts on the machine drifts for both."""

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from . import answers, load
from .install import RELAY, UPSTREAM
from .peers import Peer, Ports
from .places import CANNED
from .processes import Process, StartFailed, cpus, free_ports
from .scenarios import RELAYS, Load, Scenario

WARM_UP_REQUESTS = 400
WARM_UP_SECONDS = 0.25
LATENCY_SECONDS = 0.25
REQUESTS_LEAST = 256
ATTEMPTS = 3  # seen: in HTTP/1.1 mode h2load 1.52 now and then never sends a body, and waits
DIRECT = "direct"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Pace:
    """`budget_seconds` of measuring is shared by all runs; no run is longer than `run_seconds`."""

    rounds: int = 3
    budget_seconds: float = 38.0
    run_seconds: float = 3.0

    def seconds(self, runs: int) -> float:
        return max(0.2, min(self.run_seconds, self.budget_seconds / runs - LATENCY_SECONDS))


@dataclass(frozen=True)
class Sample:
    """One run: CPU of the gateway (`cpu_us`) and of the upstream per request, both in
    microseconds; `busy` is the gateway's CPU time by the clock's, 1.0 = a whole core."""

    requests: int
    cpu_us: float
    upstream_us: float
    busy: float
    per_second: float
    p50_us: float
    p99_us: float


@dataclass
class Entrant:
    """A peer in a scenario. `parley_after[i]` is Parley's run right after samples[i]."""

    name: str
    load: Load
    bare: bool = False
    process: Process | None = None
    absent: str | None = None
    failed: str | None = None
    answer_bytes: int = 0
    per_second: float = 0.0  # as last measured; sizes the next run
    resident_mib: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    parley_after: list[Sample] = field(default_factory=list)

    def running(self) -> bool:
        return self.process is not None and self.failed is None


def entrants(scenario: Scenario) -> list[Entrant]:
    """Parley last; the order of the peers is that of the table."""
    found = [Entrant(DIRECT, scenario.load)] if scenario.with_direct else []
    found += [Entrant(name, scenario.load) for name in scenario.peers]
    if scenario.floor is not None:
        found += [Entrant(name, scenario.floor, bare=True) for name in scenario.floor_peers]
    found += [Entrant(name, scenario.load, bare=True) for name in scenario.relays]
    if scenario.with_parley:
        found.append(Entrant("parley", scenario.load))
    return found


def measure(scenario: Scenario, peers: dict[str, Peer], chosen: set[str], pace: Pace,
            progress: Progress) -> list[Entrant]:
    """`chosen`: names of peers; Parley is always in. Nothing that it started outlives it."""
    found = [e for e in entrants(scenario) if e.name in chosen or e.name == "parley"]
    with contextlib.ExitStack() as running:
        upstream_port, answers_port, *ports = free_ports(2 + len(found))
        upstream = running.enter_context(start_upstream(upstream_port))
        if any(entrant.name in RELAYS for entrant in found):
            running.enter_context(start_answers(answers_port))
        for entrant, port in zip(found, ports):
            progress(f"{entrant.name}: starting")
            start(entrant, peers, Ports(port, upstream_port, answers_port), upstream, running)
            attempt(entrant, lambda e=entrant: warm_up(e))
        take_rounds(found, upstream, pace, progress)
        for entrant in filter(Entrant.running, found):
            attempt(entrant, lambda e=entrant: note_memory(e))
    return found


def start_upstream(port: int) -> Process:
    messages = [str(CANNED / "user.bin"), str(CANNED / "list.bin")]
    return Process("upstream", [str(UPSTREAM), str(port), *messages], port, cpus()[1])


def start_answers(port: int) -> Process:
    command = [str(RELAY), "answers", str(port), str(CANNED / "user.http")]
    return Process("answers", command, port, cpus()[1])


def start(entrant: Entrant, peers: dict[str, Peer], ports: Ports, upstream: Process,
          running: contextlib.ExitStack) -> None:
    if entrant.name == DIRECT:
        entrant.process = upstream
        return
    peer = peers[entrant.name]
    if peer.program is None:
        entrant.absent = peer.absent
        return
    command = peer.command(ports, entrant.load)
    process = Process(peer.name, command, ports.listen, cpus()[0], peer.environment)
    try:
        entrant.process = running.enter_context(process)
    except StartFailed as error:
        entrant.failed = str(error)


def attempt(entrant: Entrant, action: Callable[[], None]) -> None:
    """Whatever goes wrong with one entrant is its result, and the others go on."""
    if not entrant.running():
        return
    try:
        action()
    except (answers.WrongAnswer, load.LoadFailed, OSError) as error:
        entrant.failed = f"{error}; its log ends with: {entrant.process.last_words()}"


def warm_up(entrant: Entrant) -> None:
    entrant.answer_bytes = answers.check(entrant.load, entrant.process.port)
    run_load(entrant, WARM_UP_REQUESTS, limit=15.0)
    run_load(entrant, requests_for(entrant, WARM_UP_SECONDS), limit=10.0)


def take_rounds(found: list[Entrant], upstream: Process, pace: Pace, progress: Progress) -> None:
    parley = next((e for e in found if e.name == "parley" and e.running()), None)
    others = [e for e in found if e.name != "parley" and e.running()]
    paired = parley is not None
    turns = sum(1 + (paired and e.name != DIRECT) for e in others) or 1
    seconds = pace.seconds(pace.rounds * turns)
    for number in range(1, pace.rounds + 1):
        for entrant in others or ([parley] if paired else []):
            progress(f"round {number}/{pace.rounds}: {entrant.name}")
            attempt(entrant, lambda e=entrant: take_turn(e, parley, upstream, seconds))


def take_turn(entrant: Entrant, parley: Entrant | None, upstream: Process,
              seconds: float) -> None:
    entrant.samples.append(sample(entrant, upstream, seconds))
    if parley is None or entrant.name in (DIRECT, "parley"):
        return
    before = len(parley.samples)
    attempt(parley, lambda: parley.samples.append(sample(parley, upstream, seconds)))
    if len(parley.samples) > before:
        entrant.parley_after.append(parley.samples[-1])
    else:
        entrant.samples.pop()


def sample(entrant: Entrant, upstream: Process, seconds: float) -> Sample:
    for tried in range(1, ATTEMPTS + 1):
        try:
            return sample_once(entrant, upstream, seconds)
        except load.LoadFailed:
            if tried == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def sample_once(entrant: Entrant, upstream: Process, seconds: float) -> Sample:
    process, requests = entrant.process, requests_for(entrant, seconds)
    upstream_before, before = upstream.cpu_seconds(), process.cpu_seconds()
    summary = run_load(entrant, requests, limit=3 * seconds + 3)
    spent = process.cpu_seconds() - before
    upstream_spent = upstream.cpu_seconds() - upstream_before
    shorter = requests_for(entrant, LATENCY_SECONDS)
    latency = load.run_logged(entrant.load, process.port, shorter, cpus()[1], limit=5.0)
    return Sample(
        requests=requests,
        cpu_us=spent * 1e6 / requests,
        upstream_us=upstream_spent * 1e6 / requests,
        busy=spent / summary.seconds,
        per_second=summary.per_second,
        p50_us=latency.p50_us,
        p99_us=latency.p99_us,
    )


def run_load(entrant: Entrant, requests: int, limit: float) -> load.Summary:
    summary = load.run(entrant.load, entrant.process.port, requests, cpus()[1], limit)
    wrong = load.problem(summary, entrant.answer_bytes)
    if wrong is not None:
        raise load.LoadFailed(wrong)
    entrant.per_second = summary.per_second
    return summary


def requests_for(entrant: Entrant, seconds: float) -> int:
    return max(REQUESTS_LEAST, int(entrant.per_second * seconds))


def note_memory(entrant: Entrant) -> None:
    entrant.resident_mib = entrant.process.resident_mib()


def terminal_progress(scenario: str) -> Progress:
    """One line that is overwritten, and nothing where stderr is no terminal."""
    started = time.monotonic()

    def show(text: str) -> None:
        if sys.stderr.isatty():
            line = f"{scenario}: {time.monotonic() - started:3.0f} s  {text}" if text else ""
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    return show
