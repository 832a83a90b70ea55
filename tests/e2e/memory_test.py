"""What slow streams hold stays under the arithmetic in docs/performance.md."""

import os
import queue
import tempfile
import unittest

import frames
from frames import grpc_frame, text_message
from harness import wait_until
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


if __name__ == "__main__":
    unittest.main()
