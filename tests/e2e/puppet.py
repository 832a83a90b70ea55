"""An upstream that does what a test tells it, frame by frame, and remembers what it saw."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import frames
from harness import Gateway

PROTO = Path(__file__).with_name("puppet.proto")
SERVICE = "/puppet.v1.Puppet"

OK_HEAD = [(":status", "200"), ("content-type", "application/grpc")]
OK_TRAILERS = [("grpc-status", "0")]


class Stream:
    """A request that the gateway sent: its head and bytes, and how it went on."""

    def __init__(self, connection: "Connection", number: int, head: dict[str, str], window: int):
        self.connection = connection
        self.number = number
        self.head = head
        self.body = b""
        self.ended = False
        self.reset: int | None = None  # the code of the gateway's RST_STREAM
        self.window = window  # what we may send
        self.sent = 0  # bytes of DATA

    @property
    def text(self) -> str:
        """What the request's first message says."""
        return frames.text_of(self.body[5:]).decode()

    def head_frame(self, fields=None, **how) -> bytes:
        return frames.headers(self.number, OK_HEAD if fields is None else fields, **how)

    def message_frame(self, text: str | bytes = "ok") -> bytes:
        return frames.data(self.number, frames.grpc_frame(frames.text_message(text)))

    def trailers_frame(self, fields=None) -> bytes:
        return frames.headers(self.number, OK_TRAILERS if fields is None else fields, ends=True)

    def answer(self, text: str | bytes = "ok"):
        self.send(self.head_frame() + self.message_frame(text) + self.trailers_frame())

    def open_with_message(self):
        """An answer that goes on."""
        self.send(self.head_frame() + self.message_frame("first"))

    def send(self, raw: bytes):
        """Bytes as they are: windows are the caller's business."""
        self.connection.send(raw)

    def write(self, raw: bytes) -> bool:
        """DATA as far as the windows let it; waits for them. False: the stream has ended."""
        while raw:
            room = self.connection.reserve(self, min(len(raw), frames.FRAME_BYTES_MAX))
            if room == 0:
                return False
            part, raw = raw[:room], raw[room:]
            self.connection.send(frames.frame(frames.DATA, 0, self.number, part))
        return True


class Connection:
    """One connection of the gateway to the puppet."""

    def __init__(self, puppet: "Puppet", peer: socket.socket):
        self.puppet = puppet
        self.socket = peer
        self.streams: dict[int, Stream] = {}
        self.frames: list[frames.Frame] = []  # DATA and WINDOW_UPDATE excepted
        self.ended = False
        self.window = frames.WINDOW_BYTES
        self._initial_window = frames.WINDOW_BYTES
        self._headers = frames.HeaderReader()
        self._last_stream = 0x7FFFFFFF  # later ones are not answered
        self._writing = threading.Lock()
        self._deciding = threading.Lock()  # which streams are answered

    def send(self, raw: bytes):
        try:
            with self._writing:
                self.socket.sendall(raw)
        except OSError:
            pass  # reading sees the end

    def end_our_side(self):
        """FIN: nothing more comes from us."""
        self._shut(socket.SHUT_WR)

    def saw(self, kind: int) -> list[frames.Frame]:
        return [one for one in self.frames if one.kind == kind]

    def leave(self):
        """GOAWAY that names the last stream of which the whole request has come; later ones get no
        answer."""
        with self._deciding:
            whole = [one.number for one in self.streams.values() if one.ended]
            self._last_stream = max(whole, default=0)
            self.send(frames.goaway(self._last_stream, 0))

    def close(self):
        """FIN in both directions, as a process that ends does."""
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int):
        try:
            self.socket.shutdown(how)
        except OSError:
            pass  # the gateway was faster

    def break_off(self):
        """A TCP reset. Only from `behave`, where nobody reads."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def reserve(self, stream: Stream, size: int) -> int:
        """Takes up to `size` bytes of both windows, waiting for the first; 0: there is no use."""
        with self.puppet.changed:
            while True:
                if self.ended or stream.reset is not None or self.puppet.stopped:
                    return 0
                room = min(size, stream.window, self.window)
                if room > 0:
                    break
                self.puppet.changed.wait(1)
            stream.window -= room
            self.window -= room
            stream.sent += room
            return room

    def serve(self):
        try:
            self._serve()
        except OSError:
            pass
        with self.puppet.changed:
            self.ended = True
            self.puppet.changed.notify_all()

    def _serve(self):
        greeting = self.puppet.greeting
        if greeting is not None:
            self.send(greeting)
        reader, preface = frames.FrameReader(), len(frames.PREFACE)
        while received := self.socket.recv(1 << 16):
            skipped = min(preface, len(received))
            preface -= skipped
            for one in reader.feed(received[skipped:]):
                self._take(one)

    def _take(self, one: frames.Frame):
        with self.puppet.changed:
            self._note(one)
            self.puppet.changed.notify_all()
        if one.kind == frames.SETTINGS and not one.flags & frames.ACK:
            self.send(frames.frame(frames.SETTINGS, frames.ACK, 0))
        elif one.kind == frames.PING and not one.flags & frames.ACK:
            self.send(frames.frame(frames.PING, frames.ACK, 0, one.payload))
        elif one.kind == frames.DATA and one.payload and self.puppet.gives_windows:
            size = len(one.payload)
            self.send(frames.window_update(0, size) + frames.window_update(one.stream, size))
        stream = self.streams.get(one.stream)
        if stream and one.kind in (frames.DATA, frames.HEADERS) and self.puppet.whole(stream):
            with self._deciding:
                if not stream.head[":path"].startswith(SERVICE):
                    stream.send(stream.head_frame([*OK_HEAD, ("grpc-status", "12")], ends=True))
                elif stream.number <= self._last_stream:
                    self.puppet.behave(stream)

    def _note(self, one: frames.Frame):
        stream = self.streams.get(one.stream)
        if one.kind == frames.HEADERS:
            head = self._headers.read(frames.header_block(one))
            stream = Stream(self, one.stream, head, self._initial_window)
            self.streams[one.stream] = stream
        elif one.kind == frames.DATA and stream:
            stream.body += one.payload
        elif one.kind == frames.RST_STREAM and stream:
            stream.reset = one.number
        elif one.kind == frames.WINDOW_UPDATE:
            if one.stream == 0:
                self.window += one.number
            elif stream:
                stream.window += one.number
        elif one.kind == frames.SETTINGS and not one.flags & frames.ACK:
            self._take_settings(one.payload)
        if stream and one.kind in (frames.DATA, frames.HEADERS) and one.flags & frames.END_STREAM:
            stream.ended = True
        if one.kind not in (frames.DATA, frames.WINDOW_UPDATE):
            self.frames.append(one)

    def _take_settings(self, payload: bytes):
        for name, value in struct.iter_unpack(">HI", payload):
            if name == frames.INITIAL_WINDOW_SIZE:
                for stream in self.streams.values():
                    stream.window += value - self._initial_window
                self._initial_window = value


class Puppet:
    """Listens on a port of its own. Each whole request is given to `behave`, on the connection's
    thread: what takes longer goes to a thread of its own, `in_background`. Other services than its
    own it does not know, so the gateway gets no word of its health."""

    def __init__(
        self,
        behave: Callable[[Stream], object],
        settings: dict[int, int] | None = None,
        port: int = 0,
    ):
        self.behave = behave
        self.greeting: bytes | None = frames.settings(settings or {})
        self.gives_windows = True
        self.whole = lambda stream: stream.ended and stream.reset is None
        self.changed = threading.Condition()
        self.connections: list[Connection] = []
        self.stopped = False
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, peer)
            with self.changed:
                self.connections.append(connection)
                self.changed.notify_all()
            self.in_background(connection.serve)

    def in_background(self, run: Callable[[], object]):
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 10):
        """The condition's first true value, looked at whenever a frame came."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (value := condition()):
                left = deadline - time.monotonic()
                assert left > 0, f"not within {seconds} s: {what}"
                self.changed.wait(min(left, 0.5))
            return value

    def streams(self) -> list[Stream]:
        """The calls of our service."""
        with self.changed:
            every = [one for each in self.connections for one in each.streams.values()]
        return [one for one in every if one.head[":path"].startswith(SERVICE)]

    def stream(self, text: str, seconds: float = 10) -> Stream:
        """The newest stream whose request says `text`, once it is there."""

        def find():
            return next((one for one in reversed(self.streams()) if one.text == text), None)

        return self.wait(find, f"a request {text!r}", seconds)

    def drain(self):
        """Ends as a good server does: no new connections, GOAWAY, and the last stream is known a
        round trip later. For a `behave` that answers at once."""
        self._close_listener()
        for connection in self.connections:
            ping = frames.frame(frames.PING, 0, 0, b"last one")
            connection.send(frames.goaway(0x7FFFFFFF, 0) + ping)
        for connection in self.connections:
            self.wait(lambda one=connection: one.ended or one.saw(frames.PING), "the PING's answer")
            connection.send(frames.goaway(max(connection.streams, default=0), 0))
            connection.end_our_side()

    def leave_at_once(self):
        """No new connections, and GOAWAY for all that has not been answered yet."""
        self._close_listener()
        for connection in self.connections:
            connection.leave()

    def _close_listener(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)

    def stop(self):
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        if self._listener.fileno() >= 0:
            self._close_listener()
        for connection in self.connections:
            connection.close()
            connection.socket.close()
        for thread in self._threads:
            thread.join(5)


def gateway_for(
    *addresses: str, flags: tuple[str, ...] = (), threads: int = 1, **how
) -> Gateway:
    """A gateway before one upstream with these endpoints, which may all be down."""
    upstream = f"puppet={','.join(addresses)}"
    common = ["--upstream", upstream, "--proto", f"puppet={PROTO}", "--include"]
    common += [f"puppet={PROTO.parent}", "--threads", str(threads), "--log", "off"]
    return Gateway(*common, *flags, ready=False, **how)
