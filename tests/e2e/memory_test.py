"""What slow streams hold stays under the arithmetic in docs/performance.md, and idle connections
cost little, which is given back when they go."""

import contextlib
import os
import queue
import re
import resource
import socket
import ssl
import tempfile
import unittest
from pathlib import Path

import frames
from certificates import Authority
from frames import grpc_frame, text_message
from harness import Gateway, free_port, wait_until
from loads import Http2Client, grpc_head, memory_bytes, rest_head
from puppet import SERVICE, Puppet, Stream, gateway_for

# Of 100 slow streams each; ./dev soak has 1,000.
CONNECTIONS = int(os.environ.get("PARLEY_MEMORY_CONNECTIONS", "20"))
STREAMS = 100
WAIT_SECONDS = 20 + CONNECTIONS

WRITE_BUFFER_BYTES = 4 << 10
WINDOW_BYTES = 16 << 10
STREAM_BYTES = 16 << 10  # the stream itself
BLOCK_FACTOR = 4  # of a block that is kept, to the frame in it
BYTES_MAX = STREAM_BYTES + WRITE_BUFFER_BYTES + BLOCK_FACTOR * WINDOW_BYTES

# Keep-alive connections at once; ./dev soak has 10,000.
IDLE = int(os.environ.get("PARLEY_IDLE_CONNECTIONS", "2000"))
IDLE_AT_ONCE = 200  # that are opened and answered together
IDLE_PLAIN_BYTES_MAX = 2 << 10  # of user space, each
IDLE_TLS_BYTES_MAX = 18 << 10  # of which OpenSSL's own objects are 13
# Beside that, however many they are:
BURST_BYTES = 256 << 10
THREAD_BYTES = 64 << 10
BURST_CONNECTIONS = 40  # of 100 streams each
KEPT_FACTOR_MAX = 1.2  # the resident set after a burst, to the one before
# And what malloc keeps for each further thread, of which a short run before has filled little: 7
# blocks of each of 64 sizes (glibc's tcache), in pages of their own.
THREAD_KEPT_BYTES = 256 << 10
GIVEN_BACK_SECONDS = 20

MESSAGE = grpc_frame(text_message("m" * 16000))

CONFIG = f"""
http: {{write_buffer_bytes: {WRITE_BUFFER_BYTES}, write_timeout: 1h}}
upstreams:
  puppet: {{endpoints: [%s], stream_window_bytes: {WINDOW_BYTES}, connections_max: 100}}
"""


class SlowStreams(unittest.TestCase):
    def setUp(self):
        self.waiting: queue.SimpleQueue = queue.SimpleQueue()
        self.puppet = Puppet(self._behave)
        self.addCleanup(self.puppet.stop)
        self.addCleanup(self.waiting.put, None)
        self.puppet.in_background(self._answer)
        config = tempfile.NamedTemporaryFile("w", prefix="memory-", suffix=".yaml")
        self.addCleanup(config.close)
        config.write(CONFIG % self.puppet.address)
        config.flush()
        self.gateway = gateway_for(self.puppet.address, flags=("--config", config.name))
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_ready()

    def _behave(self, stream: Stream):
        if stream.head[":path"].endswith("/Watch"):
            self.waiting.put(stream)
        else:
            stream.answer()

    def _answer(self):
        """As much as a stream's window takes, one stream after the other."""
        while stream := self.waiting.get():
            stream.send(stream.head_frame())
            stream.write(MESSAGE)

    def _open(self) -> Http2Client:
        """A client that gives its streams no window."""
        client = Http2Client(self.gateway.port, stream_window=0)
        self.addCleanup(client.socket.close)
        head, body = grpc_head(f"{SERVICE}/Watch"), grpc_frame(text_message("x"))
        for _ in range(STREAMS):
            client.session.ask(head, body)
        client.send()
        return client

    def _memory(self) -> int:
        """Once the gateway has done what it was asked."""
        with Http2Client(self.gateway.port) as client:
            self.assertEqual(client.fetch(rest_head("GET", "/get/x")).status, 200)
        return memory_bytes(self.gateway.process.pid)

    def _sent(self) -> int:
        return sum(stream.sent for stream in self.puppet.streams())

    def test_hold_what_the_limits_say_and_are_reset_with_their_clients(self):
        before = self._memory()
        clients = [self._open() for _ in range(CONNECTIONS)]
        count = CONNECTIONS * STREAMS
        whole = count * len(MESSAGE)
        wait_until(lambda: self._sent() >= whole, "the upstream's answers", WAIT_SECONDS)
        held = self._memory() - before
        print(f"{count} slow streams hold {held / count / 1024:.1f} KiB each")
        self.assertLess(held, count * BYTES_MAX)
        for client in clients:
            client.socket.close()
        wait_until(lambda: all(s.reset == frames.CANCEL for s in self.puppet.streams()
                               if s.head[":path"].endswith("/Watch")), "the resets", WAIT_SECONDS)


class IdleConnections(unittest.TestCase):
    """Thousands that have asked once each, and stay."""

    THREADS = 1

    @classmethod
    def setUpClass(cls):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(IDLE + 1000, most), most))
        authority = Authority()
        cls.addClassCleanup(authority.remove)
        pair = authority.issue("DNS:localhost")
        puppet = Puppet(Stream.answer)
        cls.addClassCleanup(puppet.stop)
        cls.ports = {"plain": free_port(), "TLS": free_port()}
        config = authority.folder / "parley.yaml"
        config.write_text(
            f"listeners:\n  - 127.0.0.1:{cls.ports['plain']}\n"
            f"  - {{address: 127.0.0.1:{cls.ports['TLS']}, "
            f"tls: {{cert: {pair.cert}, key: {pair.key}}}}}\n"
            "http: {keep_alive_timeout: 1h}\n"
        )
        cls.gateway: Gateway = gateway_for(
            puppet.address, flags=("--config", str(config)), listen=False, threads=cls.THREADS
        )
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.wait_ready()
        cls.context = ssl.create_default_context(cafile=str(authority.ca))
        cls.context.set_alpn_protocols(["http/1.1"])

    def _anonymous(self) -> int:
        """What the gateway has allocated, without its code."""
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024

    def _connect(self, kind: str, clients: contextlib.ExitStack) -> socket.socket:
        raw = socket.create_connection(("127.0.0.1", self.ports[kind]), 20)
        if kind == "TLS":
            raw = self.context.wrap_socket(raw, server_hostname="localhost")
        raw.sendall(b"GET /get/x HTTP/1.1\r\nhost: a\r\n\r\n")
        return clients.enter_context(raw)

    def _open(self, kind: str, count: int) -> contextlib.ExitStack:
        """Every connection has had its answer when this returns."""
        clients = contextlib.ExitStack()
        self.addCleanup(clients.close)
        for _ in range(count // IDLE_AT_ONCE):
            group = [self._connect(kind, clients) for _ in range(IDLE_AT_ONCE)]
            for client in group:
                self.assertIn(b" 200 ", client.recv(1 << 16))
        return clients

    def _check(self, kind: str, bytes_max: int):
        first = self._open(kind, IDLE_AT_ONCE)  # which fills the pools
        before, resident = self._anonymous(), memory_bytes(self.gateway.process.pid)
        clients = self._open(kind, IDLE)
        base = before + BURST_BYTES + self.THREADS * THREAD_BYTES
        each = (self._anonymous() - base) / IDLE
        clients.close()
        first.close()
        print(f"{IDLE} idle {kind} connections: {each:,.0f} bytes each")
        self.assertLess(each, bytes_max)
        self._wait_until_given_back(resident)

    def _wait_until_given_back(self, resident: int):
        most = KEPT_FACTOR_MAX * resident + (self.THREADS - 1) * THREAD_KEPT_BYTES
        wait_until(
            lambda: memory_bytes(self.gateway.process.pid) <= most,
            "the memory to be given back", GIVEN_BACK_SECONDS,
        )  # fmt: skip

    def test_in_clear_text_cost_little_which_is_given_back(self):
        self._check("plain", IDLE_PLAIN_BYTES_MAX)

    def test_over_tls_cost_little_more_than_openssl_which_is_given_back(self):
        self._check("TLS", IDLE_TLS_BYTES_MAX)

    def test_what_streams_held_on_a_few_is_given_back_while_these_stay(self):
        resident = self._answered_streams(connections=2)
        peak = self._answered_streams(connections=BURST_CONNECTIONS)
        print(f"{BURST_CONNECTIONS} x {STREAMS} streams: {resident:,} -> {peak:,} bytes")
        self.assertGreater(peak, 1.5 * resident, "no burst")
        self._wait_until_given_back(resident)

    def _answered_streams(self, connections: int) -> int:
        """Asks on all of them at once; the connections stay. The memory when all are answered."""
        clients = [Http2Client(self.ports["plain"]) for _ in range(connections)]
        for client in clients:
            self.addCleanup(client.socket.close)
            for _ in range(STREAMS):
                client.session.ask(rest_head("GET", "/get/x"))
            client.send()
        for client in clients:
            answers = client.session.answers.values()
            client.wait(lambda: all(one.over for one in answers))
            self.assertEqual({one.status for one in answers}, {200})
        return memory_bytes(self.gateway.process.pid)


class IdleConnectionsOfManyThreads(IdleConnections):
    """Hundreds at most on each."""

    THREADS = 16


if __name__ == "__main__":
    unittest.main()
