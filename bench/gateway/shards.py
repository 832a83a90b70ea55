"""Does a second shard cost the first one anything? The same load on Parley with one thread and with
two, in turns; nothing is shared on the request path, so CPU per request should stay the same."""

import contextlib
import json
import os
import statistics
from dataclasses import dataclass, field

from . import answers, load
from .measure import Progress, start_upstream
from .peers import Peer, Ports
from .processes import Process, StartFailed, cpus, free_ports
from .report import aligned
from .scenarios import Load

NAME = "shards"
WHAT = "CPU per request with two shards and with one, 64 connections"
LOAD = Load("/v1/users/12345", "user", connections=64)
THREADS = (1, 2)
REQUESTS = 20_000
ROUNDS = 5
RATIO_AT_MOST = 1.1


@dataclass
class Result:
    """CPU microseconds per request, a list of runs for each number of threads."""

    failed: str | None = None
    cpu_us: dict[int, list[float]] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The median of the rounds: two shards by one, measured right after each other."""
        pairs = zip(self.cpu_us.get(2, []), self.cpu_us.get(1, []))
        ratios = [two / one for two, one in pairs if one > 0]
        return statistics.median(ratios) if ratios else None


def measure(peers: dict[str, Peer], progress: Progress) -> Result:
    result = Result(cpu_us={threads: [] for threads in THREADS})
    every_cpu = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    upstream_port, *ports = free_ports(1 + len(THREADS))
    try:
        with contextlib.ExitStack() as running:
            running.enter_context(start_upstream(upstream_port))
            gateways = {}
            for threads, port in zip(THREADS, ports):
                command = peers["parley"].command(Ports(port, upstream_port), LOAD)
                command[command.index("--threads") + 1] = str(threads)
                gateway = Process(f"parley-{threads}", command, port, every_cpu)
                gateways[threads] = running.enter_context(gateway)
                answers.check(LOAD, port)
                load.run(LOAD, port, REQUESTS, cpus()[1], limit=60.0)
            for number in range(1, ROUNDS + 1):
                progress(f"round {number}/{ROUNDS}")
                for threads, gateway in gateways.items():
                    result.cpu_us[threads].append(sample(gateway))
    except (StartFailed, answers.WrongAnswer, load.LoadFailed) as error:
        result.failed = str(error)
    return result


def sample(gateway: Process) -> float:
    before = gateway.cpu_seconds()
    load.run(LOAD, gateway.port, REQUESTS, cpus()[1], limit=60.0)
    return (gateway.cpu_seconds() - before) * 1e6 / REQUESTS


def report(result: Result) -> str:
    lines = [f"{NAME}: {WHAT}"]
    if result.failed is not None:
        return "\n".join([*lines, f"  parley: FAILED: {result.failed}"])
    rows = [["threads", "CPU us/req"]]
    rows += [[str(threads), f"{statistics.median(runs):.1f}"]
             for threads, runs in result.cpu_us.items()]
    verdict = "met" if result.ratio <= RATIO_AT_MOST else "MISSED"
    return "\n".join([*lines, *aligned(rows),
                      f"  goal: two at most {RATIO_AT_MOST} of one: {result.ratio:.2f}, {verdict}"])


def json_line(result: Result) -> str:
    record = {"scenario": NAME, "failed": result.failed, "ratio": result.ratio}
    record |= {f"cpu_us_{n}": runs for n, runs in result.cpu_us.items()}
    return json.dumps({name: value for name, value in record.items() if value is not None})
