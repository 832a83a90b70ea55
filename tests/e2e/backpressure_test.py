"""A client that reads slowly holds back its own stream and nobody else's; one that goes away takes
its upstream stream with it."""

import asyncio
import socket
import threading
import time
import unittest

import frames
from frames import grpc_frame, text_message
from harness import curl
from loads import Http2Client, Http2Load, grpc_head, rest_head
from puppet import SERVICE, Puppet, Stream, gateway_for

MESSAGE = grpc_frame(text_message("m" * (64 << 10)))
STREAM_BYTES = 1 << 30
READ_PER_SECOND = 1_000_000
READ_SECONDS = 3
AHEAD_BYTES_MAX = 1 << 20  # what the upstream may have sent beyond what the client has read
OTHERS = 99
OTHERS_SECONDS = 1
GONE_SECONDS = 1  # until the upstream hears of a client that has gone


def flood(stream: Stream):
    """Messages of 64 KiB, as fast as they are taken."""

    def run():
        stream.send(stream.head_frame())
        while stream.sent < STREAM_BYTES and stream.write(MESSAGE):
            pass

    stream.connection.puppet.in_background(run)


def answer_or_flood(stream: Stream):
    if stream.head[":path"].endswith("/Watch"):
        flood(stream)
    else:
        stream.answer()


class SlowGrpcReader:
    """The window of gRPC's own clients, given back as bytes are read."""

    def __init__(self, port: int):
        self._client = Http2Client(port, stream_window=frames.WINDOW_BYTES)
        message = grpc_frame(text_message("grpc"))
        stream = self._client.ask(grpc_head(f"{SERVICE}/Watch"), message)
        self._answer = self._client.session.answers[stream]

    def read(self) -> int:
        """Waits for some bytes of the body; how many came."""
        before = len(self._answer.body)
        self._client.wait(lambda: len(self._answer.body) > before)
        got = len(self._answer.body) - before
        self._answer.body.clear()
        return got

    def close(self):
        self._client.socket.close()


class SlowJsonReader:
    """NDJSON over HTTP/1.1, with the operating system's usual buffers."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.sendall(b"GET /watch/json HTTP/1.1\r\nhost: test\r\n\r\n")

    def read(self) -> int:
        return len(self._socket.recv(16 << 10))

    def close(self):
        self._socket.close()


def read_slowly(reader, stream: Stream, seconds: float) -> int:
    """Reads at the rate for some time. The most that the upstream was ahead."""
    begin, taken, ahead = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - begin) < seconds:
        if taken < elapsed * READ_PER_SECOND:
            taken += reader.read()
        else:
            time.sleep(0.005)  # tidy: allow sleep: the pace of the client
        ahead = max(ahead, stream.sent - taken)
    return ahead


class Backpressure(unittest.TestCase):
    def setUp(self):
        self.puppet = Puppet(answer_or_flood)
        self.addCleanup(self.puppet.stop)
        self.gateway = gateway_for(self.puppet.address)
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_ready()

    def _reading(self, reader_of, text: str):
        reader = reader_of(self.gateway.port)
        self.addCleanup(reader.close)
        return reader, self.puppet.stream(text)

    def test_the_upstream_is_little_ahead_of_a_slow_grpc_client(self):
        reader, stream = self._reading(SlowGrpcReader, "grpc")
        ahead = read_slowly(reader, stream, READ_SECONDS)
        self.assertGreater(stream.sent, READ_PER_SECOND * (READ_SECONDS - 1), "it was read")
        self.assertLess(ahead, AHEAD_BYTES_MAX)

    def test_the_upstream_is_little_ahead_of_a_slow_json_client(self):
        reader, stream = self._reading(SlowJsonReader, "json")
        ahead = read_slowly(reader, stream, READ_SECONDS)
        self.assertGreater(stream.sent, READ_PER_SECOND * (READ_SECONDS - 1), "it was read")
        self.assertLess(ahead, AHEAD_BYTES_MAX)

    def _rate_of_others(self) -> float:
        """Good answers a second to other clients."""
        load = Http2Load(
            self.gateway.port,
            lambda session: session.ask(grpc_head(f"{SERVICE}/Get"), grpc_frame(text_message("x"))),
            lambda answer: answer.grpc_status == 0,
        )

        async def run():
            running = asyncio.create_task(load.run(OTHERS, 1))
            await asyncio.sleep(OTHERS_SECONDS)
            load.stop()
            await running

        asyncio.run(run())
        self.assertEqual(load.tally.wrong, {})
        self.assertEqual(load.tally.unavailable, 0)
        return load.tally.good / OTHERS_SECONDS

    def test_others_on_the_same_upstream_connection_keep_their_speed(self):
        alone = self._rate_of_others()
        _, stalled = self._reading(SlowGrpcReader, "grpc")
        slow, stream = self._reading(SlowJsonReader, "json")
        reading = threading.Thread(target=read_slowly, args=(slow, stream, 2 * OTHERS_SECONDS))
        reading.start()
        beside = self._rate_of_others()
        reading.join()
        calls = {one.connection for one in self.puppet.streams()}
        self.assertEqual(calls, {stalled.connection}, "all of them share a connection")
        self.assertGreater(beside, alone / 3)
        self.assertLess(stalled.sent, AHEAD_BYTES_MAX)


class ClientsThatGoAway(unittest.TestCase):
    """RST_STREAM(CANCEL) is seen at the upstream at once, and its connection stays."""

    @classmethod
    def setUpClass(cls):
        cls.puppet = Puppet(lambda one: one.open_with_message() if "open" in one.text else None)
        cls.addClassCleanup(cls.puppet.stop)
        cls.puppet.whole = lambda one: len(one.body) > 5 and one.reset is None
        cls.gateway = gateway_for(cls.puppet.address)
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.wait_ready()

    def _check(self, text: str):
        stream = self.puppet.stream(text)
        self.puppet.wait(lambda: stream.reset is not None, f"RST_STREAM for {text}", GONE_SECONDS)
        self.assertEqual(stream.reset, frames.CANCEL)
        self.assertFalse(stream.connection.ended)

    def _http1(self, path: str) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.gateway.port), timeout=20)
        self.addCleanup(client.close)
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: test\r\n\r\n".encode())
        return client

    def _http2(self, fields, body: bytes = b"", *, ends: bool = True):
        client = Http2Client(self.gateway.port)
        self.addCleanup(client.socket.close)
        return client, client.ask(fields, body, ends=ends)

    def test_rest_over_http1(self):
        client = self._http1("/get/http1")
        self.puppet.stream("http1")
        client.close()
        self._check("http1")

    def test_rest_over_http1_by_ending_only_its_side(self):
        client = self._http1("/get/http1-fin")
        self.puppet.stream("http1-fin")
        client.shutdown(socket.SHUT_WR)
        self._check("http1-fin")

    def test_rest_stream_over_http1(self):
        client = self._http1("/watch/http1-open")
        while b"first" not in client.recv(1 << 16):
            pass
        client.close()
        self._check("http1-open")

    def test_rest_over_http2(self):
        client, _ = self._http2(rest_head("GET", "/get/http2"))
        self.puppet.stream("http2")
        client.socket.close()
        self._check("http2")

    def test_rest_over_http2_by_a_reset(self):
        client, stream = self._http2(rest_head("GET", "/get/http2-reset"))
        self.puppet.stream("http2-reset")
        client.send(frames.rst_stream(stream, frames.CANCEL))
        self._check("http2-reset")

    def test_rest_stream_over_http2(self):
        client, stream = self._http2(rest_head("GET", "/watch/http2-open"))
        client.wait(lambda: client.session.answers[stream].body)
        client.send(frames.rst_stream(stream, frames.CANCEL))
        self._check("http2-open")

    def test_grpc(self):
        message = grpc_frame(text_message("grpc"))
        client, _ = self._http2(grpc_head(f"{SERVICE}/Get"), message)
        self.puppet.stream("grpc")
        client.socket.close()
        self._check("grpc")

    def test_grpc_by_a_reset(self):
        message = grpc_frame(text_message("grpc-reset"))
        client, stream = self._http2(grpc_head(f"{SERVICE}/Get"), message)
        self.puppet.stream("grpc-reset")
        client.send(frames.rst_stream(stream, frames.CANCEL))
        self._check("grpc-reset")

    def test_grpc_in_the_middle_of_both_streams(self):
        message = grpc_frame(text_message("grpc-open"))
        client, stream = self._http2(grpc_head(f"{SERVICE}/Talk"), message, ends=False)
        client.wait(lambda: client.session.answers[stream].messages)
        client.send(frames.rst_stream(stream, frames.CANCEL))
        self._check("grpc-open")

    def test_a_deadline_that_expires_does_the_same(self):
        answer = curl("-H", "x-request-timeout: 100ms", f"{self.gateway.url}/get/late")
        self.assertEqual(answer.status, 504, answer)
        self._check("late")


if __name__ == "__main__":
    unittest.main()
