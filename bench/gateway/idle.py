"""What does an idle connection cost? Thousands of HTTP/1.1 keep-alive connections ask once each and
then stay; the gateway's own memory is looked at before, with them, and after they have closed."""

import contextlib
import json
import selectors
import socket
import ssl
import time
from dataclasses import dataclass

from . import answers, load
from .measure import Progress, start_upstream
from .peers import Peer, Ports
from .processes import Process, StartFailed, anonymous_kib, cpus, free_ports, tree
from .report import aligned
from .scenarios import Load, grpc_load

NAME = "idle"
WHAT = "not speed: memory of idle keep-alive connections, and whether it is given back"
CONNECTIONS = 10_000
AT_ONCE = 200  # that are opened and answered together
BYTES_AT_MOST = {"plain": 2 * 1024, "TLS": 18 * 1024}  # Parley's goals, per connection
KEPT_SHARE_AT_MOST = 0.05  # of each, after the close: given back
GIVEN_BACK_SECONDS = 10.0
REST = Load("/v1/users/12345", "user")
BARE = grpc_load("GetUser", "get-user.grpc", "user")
LOADS = {"parley": REST, "haproxy": BARE, "nghttpx": BARE, "envoy": REST, "grpc-gateway": REST}
WITH_TLS = ("parley", "haproxy", "nghttpx")


@dataclass
class Result:
    """Bytes of anonymous memory per connection: `each` while all are idle, `kept` after the close
    (of the same number of connections)."""

    peer: str
    transport: str
    absent: str | None = None
    failed: str | None = None
    each: float | None = None
    kept: float | None = None

    @property
    def met(self) -> bool:
        return self.each is not None and self.each <= BYTES_AT_MOST[self.transport]

    @property
    def given_back(self) -> bool:
        if self.each is None or self.kept is None:
            return False
        return self.kept <= KEPT_SHARE_AT_MOST * self.each


def measure(peers: dict[str, Peer], chosen: set[str], progress: Progress) -> list[Result]:
    results = []
    for transport in BYTES_AT_MOST:
        for name in LOADS if transport == "plain" else WITH_TLS:
            if name in chosen or name == "parley":
                results.append(try_gateway(peers[name], transport, progress))
    return results


def try_gateway(peer: Peer, transport: str, progress: Progress) -> Result:
    result = Result(peer.name, transport)
    if peer.program is None:
        result.absent = peer.absent
        return result
    kind = LOADS[peer.name]
    asked = Load(kind.path, kind.answer, kind.kind, body=kind.body, headers=kind.headers,
                 tls=transport == "TLS")
    ports = Ports(*free_ports(2))
    try:
        with contextlib.ExitStack() as running:
            running.enter_context(start_upstream(ports.upstream))
            command = peer.command(ports, asked)
            gateway = running.enter_context(
                Process(peer.name, command, ports.listen, cpus()[0], peer.environment))
            answers.check(asked, ports.listen)
            progress(f"{peer.name}, {transport}")
            take_figures(result, asked, gateway)
    except (StartFailed, answers.WrongAnswer, load.LoadFailed, OSError) as error:
        result.failed = str(error)
    return result


def take_figures(result: Result, asked: Load, gateway: Process) -> None:
    """Twice: the first time fills the pools that a gateway keeps for good."""
    with contextlib.ExitStack() as first:
        open_all(AT_ONCE, asked, gateway.port, first)
    before = memory(gateway)
    with contextlib.ExitStack() as sockets:
        open_all(CONNECTIONS, asked, gateway.port, sockets)
        result.each = (memory(gateway) - before) / CONNECTIONS
    deadline = time.monotonic() + GIVEN_BACK_SECONDS
    while time.monotonic() < deadline:
        result.kept = (memory(gateway) - before) / CONNECTIONS
        if result.given_back:
            break
        time.sleep(1)


def memory(gateway: Process) -> int:
    return sum(anonymous_kib(pid) for pid in tree(gateway.pid)) * 1024


def request_of(asked: Load) -> bytes:
    body = (load.CANNED / asked.body).read_bytes() if asked.body else b""
    head = [f"{'POST' if asked.body else 'GET'} {asked.path} HTTP/1.1", "host: bench"]
    head += [*asked.headers, *([f"content-length: {len(body)}"] if asked.body else [])]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def open_all(count: int, asked: Load, port: int, sockets: contextlib.ExitStack) -> None:
    """Every connection has had its answer when this returns."""
    request = request_of(asked)
    for begin in range(0, count, AT_ONCE):
        group = [connect(asked, port, sockets) for _ in range(min(AT_ONCE, count - begin))]
        for each in group:
            each.sendall(request)
        read_answers(group)


def connect(asked: Load, port: int, sockets: contextlib.ExitStack) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), 10)
    if not asked.tls:
        return sockets.enter_context(plain)
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["http/1.1"])
    return sockets.enter_context(context.wrap_socket(plain))


def read_answers(group: list[socket.socket]) -> None:
    """Reads from each until it is silent: the answers are small and come in one piece or two."""
    with selectors.DefaultSelector() as waiting:
        for each in group:
            waiting.register(each, selectors.EVENT_READ)
        silent = set(group)
        while silent:
            ready = waiting.select(5)
            if not ready:
                raise load.LoadFailed(f"{len(silent)} connections were not answered")
            for key, _ in ready:
                if not key.fileobj.recv(65536):
                    raise load.LoadFailed("a connection was closed")
                silent.discard(key.fileobj)


def report(results: list[Result]) -> str:
    rows = [["", "transport", "bytes each", "kept after the close"]]
    rows += [[r.peer, r.transport, f"{r.each:,.0f}", f"{r.kept:,.0f}"]
             for r in results if r.each is not None]
    lines = [f"{NAME}: {CONNECTIONS:,} idle HTTP/1.1 keep-alive connections, anonymous memory each"]
    lines += aligned(rows)
    lines += [f"  {r.peer}, {r.transport}: absent: {r.absent}" for r in results if r.absent]
    lines += [f"  {r.peer}, {r.transport}: FAILED: {r.failed}" for r in results if r.failed]
    for r in results:
        if r.peer != "parley" or r.each is None:
            continue
        lines += [f"  goal, {r.transport}: at most {BYTES_AT_MOST[r.transport]:,} bytes each: "
                  f"{'met' if r.met else 'MISSED'}",
                  f"  goal, {r.transport}: given back: {'met' if r.given_back else 'MISSED'}"]
    return "\n".join(lines)


def json_lines(results: list[Result]) -> list[str]:
    return [json.dumps({"scenario": NAME, **{k: v for k, v in vars(r).items() if v is not None},
                        **({"given_back": r.given_back} if r.kept is not None else {})})
            for r in results]
