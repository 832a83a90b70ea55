"""Upstreams that break their connections, ask for odd settings, or are no gRPC servers at all."""

import json
import socket
import threading
import unittest
from collections.abc import Callable
from concurrent import futures

import frames
from answers import body, connection, head, message, raw, says
from frames import data, goaway, grpc_frame, headers, rst_stream, text_message
from harness import Gateway, curl, wait_until
from loads import Http2Client, grpc_head, rest_head
from puppet import OK_HEAD, SERVICE, Connection, Puppet, Stream, gateway_for

MALFORMED = (502, 13)
UNAVAILABLE = (503, 14)


def broken_connections() -> dict[str, tuple[Callable, tuple[int, int]]]:
    """What ends the connection; the request on it is lost."""
    half = body(grpc_frame(b"abc", size=100))

    def then(part: Callable[[Stream], bytes], ends: Callable) -> Callable[[Stream], None]:
        def run(stream: Stream):
            stream.send(part(stream))
            ends(stream.connection)

        return run

    nothing = connection(b"")
    raws = {
        "bytes that are no frames": bytes(range(256)) * 4,
        "HTTP/1.1": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "DATA on stream 0": frames.frame(frames.DATA, 0, 0, b"x"),
        "HEADERS on a stream of its own": headers(2, OK_HEAD),
        "HEADERS on a stream that we never opened": headers(77, OK_HEAD),
        "HEADERS that HPACK cannot read": frames.frame(frames.HEADERS, 4, 1, b"\xff" * 40),
        "CONTINUATION after nothing": frames.frame(frames.CONTINUATION, 4, 1, b""),
        "PUSH_PROMISE": frames.frame(frames.PUSH_PROMISE, 4, 1, b"\0\0\0\2\x88"),
        "SETTINGS of 5 bytes": frames.frame(frames.SETTINGS, 0, 0, b"12345"),
        "a window beyond 2 GiB": frames.window_update(0, 0x7FFFFFFF) * 2,
        "a window of nothing": frames.window_update(0, 0),
        "a frame longer than allowed": frames.frame(frames.DATA, 0, 1, b"x" * 70000),
        "GOAWAY for an error, and the end": goaway(1, frames.INTERNAL_ERROR),
        "PING of 3 bytes": frames.frame(frames.PING, 0, 0, b"123"),
        "a window that was not given": data(1, b"x" * (3 << 20)),
    }
    cases: dict[str, tuple[Callable, tuple[int, int]]] = {
        name: (then(connection(sent), Connection.end_our_side), UNAVAILABLE)
        for name, sent in raws.items()
    }
    endless = [raw(frames.CONTINUATION, 0, b"\0\1a\1b" * 1000)] * 100
    cases["CONTINUATION without end"] = (
        says(raw(frames.HEADERS, 0, b""), *endless),
        MALFORMED,  # the fields are too many, before nghttp2 has enough of the frames
    )
    cases["DATA before HEADERS, and no end"] = (says(message()), UNAVAILABLE)
    cases["a FIN at once"] = (then(nothing, Connection.close), UNAVAILABLE)
    cases["a half-close at once"] = (then(nothing, Connection.end_our_side), UNAVAILABLE)
    cases["a reset at once"] = (then(nothing, Connection.break_off), UNAVAILABLE)
    cases["a FIN behind the head"] = (then(head(), Connection.close), UNAVAILABLE)
    cases["a half-close in a message"] = (then(half, Connection.end_our_side), UNAVAILABLE)
    cases["a reset in a message"] = (then(half, Connection.break_off), UNAVAILABLE)
    return cases


class Asking(unittest.TestCase):
    def _start(self, behave, settings=None) -> tuple[Puppet, Gateway]:
        puppet = Puppet(behave, settings)
        self.addCleanup(puppet.stop)
        gateway = gateway_for(puppet.address)
        self.addCleanup(gateway.stop)
        gateway.wait_ready()
        return puppet, gateway

    def _ask(self, gateway: Gateway, rest: str, timeout: str = "10") -> int:
        with Http2Client(gateway.port) as client:
            head_fields = [*rest_head("GET", f"/get/{rest}"), ("x-request-timeout", timeout)]
            return client.fetch(head_fields).status

    def _ask_grpc(self, gateway: Gateway, text: str) -> int:
        with Http2Client(gateway.port) as client:
            body_bytes = grpc_frame(text_message(text))
            return client.fetch(grpc_head(f"{SERVICE}/Get"), body_bytes).grpc_status


class Connections(Asking):
    def test_that_break_cost_their_requests_only(self):
        for name, (behave, (http, grpc)) in broken_connections().items():
            with self.subTest(name):
                script = {"bad": behave, "good": Stream.answer}
                _, gateway = self._start(lambda stream: script[stream.text](stream))
                self.assertEqual(self._ask(gateway, "bad"), http)
                wait_until(lambda: self._ask(gateway, "good") == 200, "good answers", 3)
                self.assertEqual(self._ask_grpc(gateway, "bad"), grpc)
                wait_until(lambda: self._ask(gateway, "good") == 200, "good answers", 3)
                self.assertEqual(gateway.stop(), 0)
                self.doCleanups()

    def _retried(self, first: Callable[[Stream], object]):
        """Only the first call gets that; the others are answered."""
        calls = []

        def behave(stream: Stream):
            calls.append(stream)
            (first if len(calls) == 1 else Stream.answer)(stream)

        _, gateway = self._start(behave)
        self.assertEqual(self._ask(gateway, "x"), 200)
        return calls

    def test_goaway_that_has_not_seen_the_request_is_no_failure(self):
        calls = self._retried(lambda stream: stream.send(goaway(0, 0)))
        self.assertEqual(len(calls), 2)
        self.assertIsNot(calls[0].connection, calls[1].connection)

    def test_goaway_that_has_seen_the_request_lets_it_end(self):
        def behave(stream: Stream):
            stream.send(goaway(stream.number, 0))
            stream.answer()

        self.assertEqual(len(self._retried(behave)), 1)

    def test_goaway_behind_the_answer_is_no_failure(self):
        def behave(stream: Stream):
            stream.answer()
            stream.send(goaway(stream.number, 0))

        self.assertEqual(len(self._retried(behave)), 1)

    def test_a_refused_stream_is_tried_once_more(self):
        refuse = lambda stream: stream.send(rst_stream(stream.number, frames.REFUSED_STREAM))
        self.assertEqual(len(self._retried(refuse)), 2)

    def test_a_stream_that_is_always_refused_is_unavailable(self):
        refuse = lambda stream: stream.send(rst_stream(stream.number, frames.REFUSED_STREAM))
        puppet, gateway = self._start(refuse)
        self.assertEqual(self._ask(gateway, "x"), 503)
        self.assertEqual(len(puppet.streams()), 2)

    def test_that_never_answer_end_with_the_deadline(self):
        puppet, gateway = self._start(lambda stream: None)
        self.assertEqual(self._ask(gateway, "x", timeout="200ms"), 504)
        stream = puppet.stream("x")
        puppet.wait(lambda: stream.reset == frames.CANCEL, "the reset")

    def test_a_stream_that_breaks_off_ends_with_an_error_line(self):
        def behave(stream: Stream):
            stream.open_with_message()
            stream.connection.end_our_side()

        _, gateway = self._start(behave)
        answer = curl(f"{gateway.url}/watch/x")
        self.assertEqual(answer.status, 200)
        first, last = (json.loads(line) for line in answer.body.splitlines())
        self.assertEqual(first, {"text": "first"})
        self.assertEqual(last["error"]["status"], 503)


class Settings(Asking):
    """What an upstream may ask for, however odd."""

    def _many(self, gateway: Gateway, count: int) -> list[int]:
        with futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self._ask(gateway, "x"), range(count)))

    def test_one_stream_at_a_time_serves_everyone(self):
        puppet, gateway = self._start(Stream.answer, {frames.MAX_CONCURRENT_STREAMS: 1})
        self.assertEqual(self._many(gateway, 20), [200] * 20)
        self.assertLessEqual(len({one.connection for one in puppet.streams()}), 8)

    def test_no_stream_at_all_is_waited_for_until_the_deadline(self):
        puppet, gateway = self._start(Stream.answer, {frames.MAX_CONCURRENT_STREAMS: 0})
        self.assertIn(self._ask(gateway, "x", timeout="300ms"), (503, 504))
        with Http2Client(gateway.port) as client:
            answer = client.session.answers[client.ask(rest_head("GET", "/get/later"))]
            raised = frames.settings({frames.MAX_CONCURRENT_STREAMS: 10})
            for one in list(puppet.connections):
                one.send(raised)
            puppet.greeting = raised
            client.wait(lambda: answer.over)
            self.assertEqual(answer.status, 200)

    def test_odd_numbers_change_nothing(self):
        for settings in (
            {frames.HEADER_TABLE_SIZE: 0},
            {frames.HEADER_TABLE_SIZE: 0xFFFFFFFF},
            {frames.MAX_FRAME_SIZE: 0xFFFFFF},
            {frames.MAX_HEADER_LIST_SIZE: 0xFFFFFFFF},
            {frames.INITIAL_WINDOW_SIZE: 0x7FFFFFFF},
            {0x9999: 7},
        ):
            with self.subTest(settings):
                _, gateway = self._start(Stream.answer, settings)
                self.assertEqual(self._ask(gateway, "x"), 200)
                self.assertEqual(self._ask(gateway, "x"), 200)
                self.doCleanups()

    def test_a_small_header_list_is_kept_to(self):
        puppet, gateway = self._start(Stream.answer, {frames.MAX_HEADER_LIST_SIZE: 1500})
        self.assertEqual(self._ask(gateway, "x"), 200)
        answer = curl("-H", "x-large: " + "a" * 1500, f"{gateway.url}/get/x")
        self.assertEqual(answer.status, 431, answer)
        self.assertEqual(len(puppet.streams()), 1)

    def test_a_window_of_one_byte_lets_a_message_through(self):
        puppet, gateway = self._start(Stream.answer, {frames.INITIAL_WINDOW_SIZE: 1})
        self.assertEqual(self._ask(gateway, "hello"), 200)
        self.assertEqual(puppet.streams()[-1].text, "hello")

    def test_a_window_that_stays_shut_ends_with_the_deadline(self):
        puppet, gateway = self._start(Stream.answer, {frames.INITIAL_WINDOW_SIZE: 0})
        puppet.gives_windows = False
        self.assertEqual(self._ask(gateway, "x", timeout="300ms"), 504)


class Servers(unittest.TestCase):
    """Something else than a gRPC server listens there."""

    def _serve(self, talk: Callable[[socket.socket], object]) -> Gateway:
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def run():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    talk(peer)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(lambda: (listener.shutdown(socket.SHUT_RDWR), thread.join(5)))
        gateway = gateway_for(f"127.0.0.1:{listener.getsockname()[1]}")
        self.addCleanup(gateway.stop)
        wait_until(lambda: curl(gateway.url).status != 0, "the gateway to listen")
        return gateway

    def _check(self, gateway: Gateway, *statuses: int):
        answer = curl("-H", "x-request-timeout: 1", f"{gateway.url}/get/x")
        self.assertIn(answer.status, statuses, answer)
        self.assertEqual(answer.json["status"], answer.status)
        self.assertTrue(gateway.process.running)

    def test_http_1(self):
        def talk(peer: socket.socket):
            peer.recv(1 << 16)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

        self._check(self._serve(talk), 503)

    def test_who_hangs_up_at_once(self):
        self._check(self._serve(lambda peer: None), 503)

    def test_who_says_nothing(self):
        self._check(self._serve(lambda peer: peer.recv(1 << 16) and peer.recv(1)), 503, 504)

    def test_who_talks_without_end(self):
        def talk(peer: socket.socket):
            try:
                for _ in range(1000):
                    peer.sendall(b"ssh? " * 1000)
            except OSError:
                pass

        self._check(self._serve(talk), 503)


if __name__ == "__main__":
    unittest.main()
