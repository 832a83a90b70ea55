"""Clients that keep a gateway busy and check every answer, and one that says frames by hand."""

import asyncio
import dataclasses
import enum
import itertools
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import frames

class Verdict(enum.Enum):
    """Of an answer. UNAVAILABLE: 503 or grpc-status 14."""

    GOOD = "good"
    UNAVAILABLE = "unavailable"
    WRONG = "wrong"


class Tally:
    """What became of the requests of a load, and when. `wrong` says what was wrong how often."""

    def __init__(self):
        self.wrong: Counter = Counter()
        self._answers: list[tuple[float, Verdict]] = []

    def note(self, verdict: Verdict, what: str):
        self._answers.append((time.monotonic(), verdict))
        if verdict is Verdict.WRONG:
            self.wrong[what] += 1

    def times(self, verdict: Verdict) -> list[float]:
        return [at for at, said in self._answers if said is verdict]

    @property
    def good(self) -> int:
        return len(self.times(Verdict.GOOD))

    @property
    def unavailable(self) -> int:
        return len(self.times(Verdict.UNAVAILABLE))


class Load:
    """Requests that are sent one after the other on each of several lanes, until `count` have been
    sent or stop() was called. `refused`: the gateway takes no connection any more, which ends a
    lane and is no loss."""

    def __init__(self, port: int, check: Callable[..., bool], count: int | None = None):
        self.port = port
        self.check = check
        self.tally = Tally()
        self.refused = 0
        self._left = count
        self._stopping = False

    def stop(self):
        self._stopping = True

    def take(self) -> bool:
        """Whether one more request is to be sent."""
        if self._stopping or self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def _judge(self, good: bool, *, unavailable: bool) -> Verdict:
        if good:
            return Verdict.GOOD
        return Verdict.UNAVAILABLE if unavailable else Verdict.WRONG

    def give_back(self):
        """A request that was certainly not processed, to be sent again."""
        if self._left is not None:
            self._left += 1


class Http1Load(Load):
    """Keep-alive connections. A connection that ends before an answer is a lost request. `check`
    gets status and body."""

    def __init__(self, port: int, requests: Iterator[bytes], check, count=None):
        super().__init__(port, check, count)
        self._requests = requests

    async def run(self, connections: int):
        await asyncio.gather(*(self._lane() for _ in range(connections)))

    async def _lane(self):
        while self.take():
            self.give_back()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                self.refused += 1
                return
            try:
                await self._use(reader, writer)
            finally:
                writer.close()

    async def _use(self, reader, writer):
        """One connection, until it or the load ends."""
        while self.take():
            writer.write(next(self._requests))
            try:
                status, body, closes = await read_answer(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.tally.note(Verdict.WRONG, f"connection lost: {type(error).__name__}")
                return
            verdict = self._judge(self.check(status, body), unavailable=status == 503)
            self.tally.note(verdict, f"{status} {body[:300]!r}")
            if closes:
                return


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection ends with it. No chunked bodies."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = re.search(r"^content-length: (\d+)", head, re.MULTILINE)
    body = await reader.readexactly(int(length[1]) if length else 0)
    return int(head[9:12]), body, "\r\nconnection: close" in head


@dataclasses.dataclass
class Answer2:
    """A response of HTTP/2 as far as it has come."""

    head: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytearray = dataclasses.field(default_factory=bytearray)
    trailers: dict[str, str] = dataclasses.field(default_factory=dict)
    ended: bool = False
    reset: int | None = None
    unseen: bool = False  # GOAWAY or REFUSED_STREAM says that it was not processed

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None

    @property
    def status(self) -> int:
        return int(self.head.get(":status", "0"))

    @property
    def grpc_status(self) -> int:
        """-1: none."""
        return int(self.trailers.get("grpc-status", self.head.get("grpc-status", "-1")))

    @property
    def messages(self) -> list[bytes]:
        """The texts of the whole gRPC messages that have come."""
        found, at = [], 0
        while len(self.body) - at >= 5:
            end = at + 5 + int.from_bytes(self.body[at + 1 : at + 5], "big")
            if end > len(self.body):
                break
            found.append(bytes(self.body[at + 5 : end]))
            at = end
        return found


class Session:
    """The client's side of an HTTP/2 connection, without a socket: bytes in, bytes out."""

    def __init__(self, *, stream_window: int = 1 << 20, gives_windows: bool = True):
        self.gives_windows = gives_windows
        self.answers: dict[int, Answer2] = {}
        self.going_away = False
        self.out = bytearray(frames.PREFACE)
        self.out += frames.settings({frames.INITIAL_WINDOW_SIZE: stream_window})
        self.out += frames.window_update(0, 1 << 30)
        self._next = 1
        self._frames = frames.FrameReader()
        self._headers = frames.HeaderReader()

    def ask(self, fields: list[tuple[str, str]], body: bytes = b"", *, ends: bool = True) -> int:
        """Queues a request; small bodies only, as windows are not looked at."""
        stream, self._next = self._next, self._next + 2
        self.answers[stream] = Answer2()
        self.out += frames.headers(stream, fields, ends=ends and not body)
        if body:
            self.out += frames.data(stream, body, ends=ends)
        return stream

    def receive(self, raw: bytes):
        for one in self._frames.feed(raw):
            self._take(one)

    def _take(self, one: frames.Frame):
        answer = self.answers.get(one.stream)
        if one.kind == frames.HEADERS:
            fields = self._headers.read(frames.header_block(one))
            if answer:
                (answer.trailers if answer.head else answer.head).update(fields)
        elif one.kind == frames.DATA:
            if answer:
                answer.body += one.payload
            self._give_windows(one)
        elif one.kind == frames.RST_STREAM and answer and not answer.ended:
            answer.reset = one.number
            answer.unseen = one.number == frames.REFUSED_STREAM
        elif one.kind == frames.GOAWAY:
            self._go_away(one.number)
        elif one.kind == frames.SETTINGS and not one.flags & frames.ACK:
            self.out += frames.frame(frames.SETTINGS, frames.ACK, 0)
        elif one.kind == frames.PING and not one.flags & frames.ACK:
            self.out += frames.frame(frames.PING, frames.ACK, 0, one.payload)
        if answer and one.kind in (frames.HEADERS, frames.DATA):
            answer.ended = bool(one.flags & frames.END_STREAM)

    def _give_windows(self, one: frames.Frame):
        if not one.payload:
            return
        self.out += frames.window_update(0, len(one.payload))
        if self.gives_windows and not one.flags & frames.END_STREAM:
            self.out += frames.window_update(one.stream, len(one.payload))

    def _go_away(self, last: int):
        self.going_away = True
        for stream, answer in self.answers.items():
            if stream > last and not answer.over:
                answer.reset, answer.unseen = frames.REFUSED_STREAM, True

    def lose(self):
        """The connection has ended: what has no end will have none."""
        for answer in self.answers.values():
            if not answer.over:
                answer.reset = frames.INTERNAL_ERROR


def rest_head(verb: str, path: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(":method", verb), (":scheme", "http"), (":authority", "test"), (":path", path), *more]


def grpc_head(path: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return rest_head("POST", path, ("content-type", "application/grpc"), ("te", "trailers"), *more)


class Http2Load(Load):
    """Connections with several streams each. `ask` queues a request on a session; `check` gets the
    whole answer."""

    def __init__(self, port: int, ask: Callable[[Session], int], check, count=None):
        super().__init__(port, check, count)
        self._ask = ask

    async def run(self, connections: int, streams: int):
        await asyncio.gather(*(self._lane(streams) for _ in range(connections)))

    async def _lane(self, streams: int):
        while self.take():
            self.give_back()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                self.refused += 1
                return
            try:
                await self._use(reader, writer, streams)
            finally:
                writer.close()

    async def _use(self, reader, writer, streams: int):
        session = Session()
        while True:
            while not session.going_away and len(session.answers) < streams and self.take():
                self._ask(session)
            if not session.answers:
                return
            writer.write(bytes(session.out))
            session.out.clear()
            try:
                received = await reader.read(1 << 16)
            except OSError:
                received = b""
            if received:
                session.receive(received)
            else:
                session.lose()
            self._settle(session)

    def _settle(self, session: Session):
        for stream in [stream for stream, answer in session.answers.items() if answer.over]:
            answer = session.answers.pop(stream)
            if answer.unseen:
                self.give_back()
                continue
            good = answer.reset is None and self.check(answer)
            unavailable = answer.status == 503 or answer.grpc_status == 14
            what = f"{answer.head} {bytes(answer.body[:300])!r} {answer.trailers} {answer.reset}"
            self.tally.note(self._judge(good, unavailable=unavailable), what)


class Http2Client:
    """A blocking client over one connection."""

    def __init__(self, port: int, **how):
        self.session = Session(**how)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Http2Client":
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, raw: bytes = b""):
        out = bytes(self.session.out) + raw
        self.session.out.clear()
        self.socket.sendall(out)

    def ask(self, fields, body: bytes = b"", *, ends: bool = True) -> int:
        stream = self.session.ask(fields, body, ends=ends)
        self.send()
        return stream

    def wait(self, condition: Callable[[], object], seconds: float = 20):
        """Reads until the condition holds or the connection ends."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                received = self.socket.recv(1 << 16)
            except ConnectionResetError:
                received = b""
            if not received:
                self.session.lose()
                return
            self.session.receive(received)
            if self.session.out:
                self.send()

    def fetch(self, fields, body: bytes = b"", seconds: float = 20) -> Answer2:
        """Asks, and waits for the answer's end."""
        answer = self.session.answers[self.ask(fields, body)]
        self.wait(lambda: answer.over, seconds)
        return answer


def memory_bytes(pid: int) -> int:
    """The resident set of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Everything:
    """A REST call over HTTP/1.1 and over HTTP/2, and a gRPC call, again and again, all at once."""

    def __init__(
        self, port: int, path: str, expected: bytes, grpc_path: str, message: bytes, **how
    ):
        """`expected`: the body of the REST answer. `how`: as for Load; `count` is for each."""
        get = f"GET {path} HTTP/1.1\r\nhost: test\r\n\r\n".encode()
        self.http1 = Http1Load(
            port,
            itertools.repeat(get),
            lambda status, body: status == 200 and body == expected,
            **how,
        )
        self.http2 = Http2Load(
            port,
            lambda session: session.ask(rest_head("GET", path)),
            lambda answer: answer.status == 200 and answer.body == expected,
            **how,
        )
        self.grpc = Http2Load(
            port,
            lambda session: session.ask(grpc_head(grpc_path), frames.grpc_frame(message)),
            lambda answer: answer.grpc_status == 0 and len(answer.messages) == 1,
            **how,
        )
        self.loads = (self.http1, self.http2, self.grpc)

    in_flight_max = 4 + 2 * 4 + 2 * 4

    async def run(self):
        await asyncio.gather(self.http1.run(4), self.http2.run(2, 4), self.grpc.run(2, 4))

    def stop(self):
        for load in self.loads:
            load.stop()

    @property
    def wrong(self) -> Counter:
        return sum((load.tally.wrong for load in self.loads), Counter())

    def times(self, verdict: Verdict) -> list[float]:
        return sorted(at for load in self.loads for at in load.tally.times(verdict))

    def progress(self) -> int:
        """The fewest good answers that any of the loads has got."""
        return min(load.tally.good for load in self.loads)

    async def until(self, condition: Callable[[], object], what: str, seconds: float = 20):
        """Lets the loads run until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            await asyncio.sleep(0.005)
