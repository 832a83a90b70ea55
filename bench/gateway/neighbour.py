"""Does one client's request harm another's? Good requests run through each gateway to a real
grpc++ server while bad ones come in beside them; the good ones that failed are counted."""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field

from . import answers, load
from .install import STRICT_UPSTREAM
from .measure import Progress
from .peers import Peer, Ports
from .places import CANNED
from .processes import Process, StartFailed, cpus, free_ports
from .report import aligned
from .scenarios import TRANSCODERS, Load

NAME = "neighbour"
WHAT = "not speed: good requests that fail because of another client's bad ones"
GOOD = Load("/v1/users/12345", "user", connections=16)
GOOD_REQUESTS = 4000
BAD_REQUESTS = 100
GATEWAYS = (*TRANSCODERS, "parley")


def request(line: str = f"GET {GOOD.path}", header: str = "") -> bytes:
    return f"{line} HTTP/1.1\r\nhost: bench\r\n{header}connection: close\r\n\r\n".encode()


BAD = {
    "none": b"",
    "-bin header that is not base64": request(header="x-foo-bin: not base64!\r\n"),
    "header of 20 kB": request(header=f"x-large: {'a' * 20000}\r\n"),
    "grpc-timeout: zzz": request(header="grpc-timeout: zzz\r\n"),
    "grpc-encoding: zzz": request(header="grpc-encoding: zzz\r\n"),
    "DELETE where there is none": request(f"DELETE {GOOD.path}"),
    "%FF in the path": request("GET /v1/users/%FF"),
}


@dataclass
class Result:
    """`lost`: kind of bad request, and how many good ones failed beside it."""

    peer: str
    absent: str | None = None
    failed: str | None = None
    lost: dict[str, int] = field(default_factory=dict)


def measure(peers: dict[str, Peer], chosen: set[str], progress: Progress) -> list[Result]:
    names = [name for name in GATEWAYS if name in chosen or name == "parley"]
    return [try_gateway(peers[name], progress) for name in names]


def try_gateway(peer: Peer, progress: Progress) -> Result:
    result = Result(peer.name)
    if peer.program is None:
        result.absent = peer.absent
        return result
    ports = Ports(*free_ports(2))
    command = [str(STRICT_UPSTREAM), str(ports.upstream), str(CANNED / "user.bin")]
    try:
        with contextlib.ExitStack() as running:
            running.enter_context(Process("strict", command, ports.upstream, cpus()[1]))
            gateway = peer.command(ports, GOOD)
            running.enter_context(
                Process(peer.name, gateway, ports.listen, cpus()[0], peer.environment)
            )
            answers.check(GOOD, ports.listen)
            for kind, bad in BAD.items():
                progress(f"{peer.name}: {kind}")
                result.lost[kind] = lost_beside(bad, ports.listen)
    except (StartFailed, answers.WrongAnswer, load.LoadFailed) as error:
        result.failed = str(error)
    return result


def lost_beside(bad: bytes, port: int) -> int:
    sender = threading.Thread(target=send_bad, args=(bad, port))
    if bad:
        sender.start()
    try:
        summary = load.run(GOOD, port, GOOD_REQUESTS, cpus()[1], limit=60.0)
    finally:
        if bad:
            sender.join()
    return summary.requests - summary.answered + summary.refused


def send_bad(bad: bytes, port: int) -> None:
    """One connection each; whatever the gateway does with it is right."""
    for _ in range(BAD_REQUESTS):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as one:
            one.sendall(bad)
            while one.recv(65536):
                pass


def report(results: list[Result]) -> str:
    """A row a kind of bad request, a column a gateway."""
    ran = [result for result in results if result.lost]
    rows = [["good requests lost beside", *(result.peer for result in ran)]]
    rows += [[kind, *(str(result.lost.get(kind, "-")) for result in ran)] for kind in BAD]
    lines = [f"{NAME}: {GOOD_REQUESTS} good requests beside {BAD_REQUESTS} bad ones of each kind"]
    lines += aligned(rows)
    lines += [f"  {r.peer}: absent: {r.absent}" for r in results if r.absent is not None]
    lines += [f"  {r.peer}: FAILED: {r.failed}" for r in results if r.failed is not None]
    return "\n".join(lines)


def json_lines(results: list[Result]) -> list[str]:
    return [
        json.dumps({"scenario": NAME, **{k: v for k, v in vars(result).items() if v}})
        for result in results
    ]
