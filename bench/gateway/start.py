"""How long from exec to the first answer, and how much memory then: with the small contract of the
other scenarios, and with 10,000 methods more."""

import json
import os
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .measure import Progress, start_upstream
from .places import DESCRIPTORS, LOGS, PROTO_PATH, WORK
from .processes import StartFailed, cpus, free_ports, resident_kib
from .report import aligned

NAME = "start"
WHAT = "not speed: from exec to the first answer, with few methods and with 10,000"
RUNS = 15
SERVICES, METHODS_EACH = 100, 100
ANSWER_SECONDS = 20.0
# Parley's goals.
MILLISECONDS_AT_MOST = {"small": 10.0, "10,000 methods": 100.0}
MORE_MIB_AT_MOST = 20.0


@dataclass
class Result:
    """Of Parley with one contract."""

    contract: str
    milliseconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)
    failed: str | None = None

    @property
    def time(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def memory(self) -> float:
        return statistics.median(self.mib)


def measure(parley: Path, progress: Progress) -> list[Result]:
    contracts = {"small": DESCRIPTORS, "10,000 methods": many_methods()}
    results = [Result(name) for name in contracts]
    listen, upstream = free_ports(2)
    allowed = os.sched_getaffinity(0)
    try:
        with start_upstream(upstream):
            for run in range(RUNS):
                for result in results:
                    progress(f"{result.contract}, {run + 1} of {RUNS}")
                    try:
                        once(parley, contracts[result.contract], listen, upstream, result)
                    except (StartFailed, OSError) as error:
                        result.failed = str(error)
                    os.sched_setaffinity(0, allowed)
    finally:
        os.sched_setaffinity(0, allowed)
    return results


def once(parley: Path, contract: Path, listen: int, upstream: int, result: Result) -> None:
    command = [str(parley), "serve", "--upstream", f"127.0.0.1:{upstream}", "--descriptor-set",
               str(contract), "--listen", f"127.0.0.1:{listen}", "--admin", "off", "--threads",
               "1", "--log", "off"]
    of_gateway, of_load = cpus()
    with (LOGS / "start.log").open("wb") as log:
        # Inherited: a program that sets it first would take its own two milliseconds.
        os.sched_setaffinity(0, {of_gateway})
        begin = time.perf_counter()
        gateway = subprocess.Popen(command, stdout=log, stderr=log)
        os.sched_setaffinity(0, {of_load})
        try:
            ask(listen, begin)
            result.milliseconds.append((time.perf_counter() - begin) * 1e3)
            result.mib.append(resident_kib(gateway.pid) / 1024)
        finally:
            gateway.kill()
            gateway.wait()


def ask(port: int, begin: float) -> None:
    """The first answer, which has to be a good one."""
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
            break
        except ConnectionRefusedError:
            if time.perf_counter() - begin > ANSWER_SECONDS:
                raise StartFailed("does not listen") from None
            time.sleep(0.0002)
    with client:
        client.sendall(b"GET /v1/users/12345 HTTP/1.1\r\nhost: bench\r\n\r\n")
        head = client.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise StartFailed(f"the first answer is {head[:100]!r}")


def many_methods() -> Path:
    """The shop's contract, and 10,000 methods with a request and a route each."""
    lines = ['syntax = "proto3";', "package big.v1;", 'import "google/api/annotations.proto";',
             "message Answer { int64 id = 1; string name = 2; repeated string tags = 3; }"]
    for service in range(SERVICES):
        each = [f"{service}x{method}" for method in range(METHODS_EACH)]
        lines += [f"message Get{one}Request {{ int64 id = 1; string view = 2; int32 size = 3; }}"
                  for one in each]
        lines.append(f"service S{service} {{")
        for one in each:
            path = f"/v1/big/{one.replace('x', '/')}/{{id}}"
            lines.append(f"  rpc Get{one}(Get{one}Request) returns (Answer) "
                         f'{{ option (google.api.http) = {{get: "{path}"}}; }}')
        lines.append("}")
    folder = WORK / "start"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "big.proto").write_text("\n".join(lines) + "\n", encoding="ascii")
    big, both = folder / "big.binpb", folder / "both.binpb"
    includes = [f"-I{path}" for path in (folder, *PROTO_PATH)]
    subprocess.run(["protoc", *includes, "--include_imports", f"--descriptor_set_out={big}",
                    "big.proto"], check=True)
    # Two sets one after the other are one set of both (files that are there twice are the same).
    both.write_bytes(DESCRIPTORS.read_bytes() + big.read_bytes())
    return both


def report(results: list[Result]) -> str:
    rows = [["contract", "median ms", "fastest", "slowest", "MiB"]]
    good = [r for r in results if r.milliseconds]
    rows += [[r.contract, f"{r.time:.1f}", f"{min(r.milliseconds):.1f}",
              f"{max(r.milliseconds):.1f}", f"{r.memory:.1f}"] for r in good]
    lines = [f"{NAME}: exec to the first answer of Parley, {RUNS} runs", *aligned(rows)]
    lines += [f"  {r.contract}: FAILED: {r.failed}" for r in results if r.failed]
    lines += [f"  goal, {r.contract}: at most {MILLISECONDS_AT_MOST[r.contract]:.0f} ms: "
              f"{verdict(r.time <= MILLISECONDS_AT_MOST[r.contract])}" for r in good]
    if len(good) == len(results):
        more = results[1].memory - results[0].memory
        lines.append(f"  goal: 10,000 methods take at most {MORE_MIB_AT_MOST:.0f} MiB more: "
                     f"{more:.1f}, {verdict(more <= MORE_MIB_AT_MOST)}")
    return "\n".join(lines)


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def json_lines(results: list[Result]) -> list[str]:
    return [json.dumps({"scenario": NAME, "contract": r.contract, "failed": r.failed,
                        "milliseconds": r.time if r.milliseconds else None,
                        "mib": r.memory if r.mib else None}) for r in results]
