"""Whatever an upstream does, each client gets a mapped answer and the gateway lives."""

import json
import socket
import struct
import threading
import unittest
from collections.abc import Callable
from concurrent import futures

import frames
from frames import data, goaway, grpc_frame, headers, rst_stream, text_message
from harness import Gateway, curl, wait_until
from loads import Answer2, Http2Client, descriptors, grpc_head, memory_bytes
from puppet import OK_HEAD, OK_TRAILERS, SERVICE, Connection, Puppet, Stream, gateway_for

OK = (200, 0)
MALFORMED = (502, 13)
UNAVAILABLE = (503, 14)
OK_MESSAGE = grpc_frame(text_message("ok"))
# grpc-status, and the HTTP status that it becomes (google.rpc.Code)
CODES = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
# HTTP status, and the code that it becomes (gRPC: "HTTP to gRPC status code mapping")
HTTP_STATUSES = {
    204: 2,
    302: 2,
    400: 13,
    401: 16,
    403: 7,
    404: 12,
    418: 2,
    429: 14,
    500: 2,
    502: 14,
    503: 14,
    504: 14,
    599: 2,
}
# RST_STREAM's code, and the code that it becomes (gRPC: "Errors" of PROTOCOL-HTTP2)
RESETS = {
    **dict.fromkeys([0, 1, 2, 3, 4, 5, 6, 9, 10, 13, 14, 0xFFFFFFFF], 13),
    8: 1,
    11: 8,
    12: 7,
}

ROUNDS = 5  # of all faults, for what they leave behind
GROWTH_BYTES_MAX = 2 << 20

Case = tuple[Callable[[Stream], object], tuple[int, int]]


def says(*parts: Callable[[Stream], bytes]) -> Callable[[Stream], None]:
    return lambda stream: stream.send(b"".join(part(stream) for part in parts))


def head(fields=None, **how):
    return lambda stream: stream.head_frame(fields, **how)


def message(text="ok"):
    return lambda stream: stream.message_frame(text)


def body(raw: bytes, **how):
    return lambda stream: data(stream.number, raw, **how)


def trailers(fields=None):
    return lambda stream: stream.trailers_frame(fields)


def raw(kind: int, flags: int, payload: bytes):
    return lambda stream: frames.frame(kind, flags, stream.number, payload)


def connection(sent: bytes):
    """The same bytes whatever the stream."""
    return lambda stream: sent


def status(text: str | bytes, *more):
    """Trailers only, as errors usually come."""
    return says(head([*OK_HEAD, ("grpc-status", text), *more], ends=True))


def reset(code: int):
    return lambda stream: rst_stream(stream.number, code)


def statuses() -> dict[str, Case]:
    cases = {f"status {code}": (status(str(code)), (http, code)) for code, http in CODES.items()}
    for code in ("17", "99", "4294967295"):
        cases[f"status {code}"] = (status(code), (500, 2))
    for text in ("", "x", "-1", "1.5", "0x0", "99999999999999999999", b"\xff"):
        cases[f"status {text!r}"] = (status(text), MALFORMED)
    cases["status in trailers"] = (says(head(), trailers([("grpc-status", "5")])), (404, 5))
    cases["message and status"] = (
        says(head(), message(), trailers([("grpc-status", "5")])),
        (404, 5),
    )
    odd = ("grpc-message", b"%ZZ%e4%\xff\x80 %")
    cases["message with bad escapes"] = (status("5", odd), (404, 5))
    details = ("grpc-status-details-bin", "!!!")
    cases["details that are not base64"] = (status("5", details), (404, 5))
    details = ("grpc-status-details-bin", "/////////w==")
    cases["details that are no message"] = (status("5", details), (404, 5))
    return cases


def answers() -> dict[str, Case]:
    whole = (head(), message(), trailers())
    zip_body = grpc_frame(b"\x1f\x8b" + b"x" * 100, flags=1)
    gzip_head = [*OK_HEAD, ("grpc-encoding", "gzip")]
    return {
        "good": (says(*whole), OK),
        "good, in pieces": (lambda s: [s.send(part(s)) for part in whole], OK),
        "good behind 103": (says(head([(":status", "103"), ("link", "x")]), *whole), OK),
        "good, and then a reset": (says(*whole, reset(0)), OK),
        "good, with padding": (
            says(
                head(), raw(frames.DATA, frames.PADDED, b"\3" + OK_MESSAGE + b"\0" * 3), trailers()
            ),
            OK,
        ),
        "an unknown frame": (says(head(), raw(99, 255, b"?"), message(), trailers()), OK),
        "no trailers": (says(head(), body(grpc_frame(text_message("ok")), ends=True)), MALFORMED),
        "trailers without status": (says(head(), message(), trailers([("x-a", "b")])), MALFORMED),
        "only a head": (says(head(ends=True)), MALFORMED),
        "no message": (says(head(), trailers()), (502, 0)),
        "two messages": (says(head(), message(), message(), trailers()), (502, 0)),
        "a message cut off": (
            says(head(), body(grpc_frame(b"abc", size=100)), trailers()),
            MALFORMED,
        ),
        "a message of 4 GiB": (
            says(head(), body(grpc_frame(b"abc", size=0xFFFFFFFF)), trailers()),
            MALFORMED,
        ),
        "a prefix cut off": (says(head(), body(b"\0\0"), trailers()), MALFORMED),
        "unknown flags": (says(head(), body(grpc_frame(b"", flags=0x42)), trailers()), MALFORMED),
        "compressed without an encoding": (says(head(), body(zip_body), trailers()), (502, None)),
        "compressed, and it is not": (says(head(gzip_head), body(zip_body), trailers()), (502, 0)),
        "bytes that are no message": (
            says(head(), body(grpc_frame(b"\x0a\xff\xff\xff\xff\x0f")), trailers()),
            (502, 0),
        ),
        "a text that is not UTF-8": (says(head(), message(b"\xff\xfe"), trailers()), (502, 0)),
        "another content type": (
            says(head([OK_HEAD[0], ("content-type", "text/html")]), body(b"<p>", ends=True)),
            MALFORMED,
        ),
        "no content type": (says(head([(":status", "200")]), body(b"", ends=True)), MALFORMED),
        "a message over the limit": (answer_of_5_mib, (502, 0)),
        "headers over the limit": (
            says(head([*OK_HEAD, *((f"x-{n}", "v" * 1000) for n in range(70))]), trailers()),
            MALFORMED,
        ),
        "200 header fields": (
            says(head([*OK_HEAD, *((f"x-{n}", "v") for n in range(200))]), message(), trailers()),
            MALFORMED,
        ),
        "trailers over the limit": (
            says(
                head(),
                message(),
                trailers([*OK_TRAILERS, *((f"x-{n}", "v" * 1000) for n in range(70))]),
            ),
            MALFORMED,
        ),
    }


def answer_of_5_mib(stream: Stream):
    def run():
        stream.send(stream.head_frame())
        if stream.write(grpc_frame(text_message("x" * (5 << 20)))):
            stream.send(stream.trailers_frame())

    stream.connection.puppet.in_background(run)


def broken_streams() -> dict[str, Case]:
    """What nghttp2 takes for an error of the one stream."""
    cases: dict[str, Case] = {
        f"head: {name}": (says(head(fields), message(), trailers()), MALFORMED)
        for name, fields in {
            "no status": [("content-type", "application/grpc")],
            "a status of letters": [(":status", "abc"), *OK_HEAD[1:]],
            "a status of two digits": [(":status", "20"), *OK_HEAD[1:]],
            "two statuses": [(":status", "200"), *OK_HEAD],
            "a capital in a name": [*OK_HEAD, ("X-A", "b")],
            "a hop-by-hop field": [*OK_HEAD, ("connection", "close")],
            "a pseudo field behind others": [("x-a", "b"), *OK_HEAD],
            "a length that is not kept": [*OK_HEAD, ("content-length", "1")],
        }.items()
    }
    cases["status 101"] = (says(head([(":status", "101")]), message(), trailers()), MALFORMED)
    cases["a pseudo field in trailers"] = (
        says(head(), message(), trailers([(":status", "200"), *OK_TRAILERS])),
        MALFORMED,
    )
    return cases


def http_statuses() -> dict[str, Case]:
    def answer(number: int):
        fields = [(":status", str(number)), ("content-type", "text/html")]
        ends = number == 204
        return says(head(fields, ends=ends), *([] if ends else [body(b"<p>sorry", ends=True)]))

    return {
        f"HTTP status {number}": (answer(number), (CODES[code], code))
        for number, code in HTTP_STATUSES.items()
    }


def resets() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for code, becomes in RESETS.items():
        expected = (CODES[becomes], becomes)
        cases[f"reset {code} at once"] = (says(reset(code)), expected)
        cases[f"reset {code} behind the head"] = (says(head(), reset(code)), expected)
        half = body(grpc_frame(b"abc", size=100))
        cases[f"reset {code} in a message"] = (says(head(), half, reset(code)), expected)
    return cases


class Streams(unittest.TestCase):
    """Faults of one stream: the connection goes on. The request's text names the case."""

    @classmethod
    def setUpClass(cls):
        cls.cases = {**statuses(), **answers(), **http_statuses(), **resets(), **broken_streams()}
        numbered = list(cls.cases.values())
        cls.puppet = Puppet(lambda stream: numbered[int(stream.text)][0](stream))
        cls.addClassCleanup(cls.puppet.stop)
        cls.gateway = gateway_for(cls.puppet.address)
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.wait_ready()
        cls.client = Http2Client(cls.gateway.port)
        cls.addClassCleanup(cls.client.socket.close)

    def _check(self, cases: dict[str, Case]):
        names = list(self.cases)
        for name, (_, (http, grpc)) in cases.items():
            number = names.index(name)
            with self.subTest(name):
                answer = self.client.fetch(rest_get(f"/get/{number}"))
                self.assertIsNone(answer.reset)
                self.assertEqual(answer.status, http, answer)
                self._check_rest(answer)
                answer = self.client.fetch(
                    grpc_head(f"{SERVICE}/Get"), grpc_frame(text_message(str(number)))
                )
                self.assertIsNone(answer.reset)
                if grpc is not None:
                    self.assertEqual(answer.grpc_status, grpc, answer)
        self.assertTrue(self.gateway.process.running)

    def _check_rest(self, answer: Answer2):
        if answer.status == 200:
            self.assertEqual(json.loads(answer.body), {"text": "ok"})
            return
        self.assertEqual(answer.head["content-type"], "application/problem+json")
        problem = json.loads(answer.body)
        self.assertEqual(problem["status"], answer.status)
        self.assertTrue(problem["title"], problem)
        if answer.status == 503:
            self.assertIn("retry-after", answer.head)

    def test_statuses(self):
        self._check(statuses())

    def test_answers(self):
        self._check(answers())

    def test_http_statuses(self):
        self._check(http_statuses())

    def test_resets(self):
        self._check(resets())

    def test_broken_streams(self):
        self._check(broken_streams())

    def test_faults_leave_no_memory_and_no_descriptors_behind(self):
        names = list(self.cases)

        def once():
            for number in range(len(names)):
                self.client.fetch(rest_get(f"/get/{number}"))

        once()
        memory = memory_bytes(self.gateway.process.pid)
        open_before = descriptors(self.gateway.process.pid)
        for _ in range(ROUNDS):
            once()
        grown = memory_bytes(self.gateway.process.pid) - memory
        self.assertLess(grown, GROWTH_BYTES_MAX)
        self.assertEqual(descriptors(self.gateway.process.pid), open_before)

    def test_all_of_it_needed_one_connection(self):
        """Also what nghttp2 takes for a malformed message ends only its stream."""
        self._check({"good": self.cases["good"]})
        used = {one.connection for one in self.puppet.streams()}
        self.assertEqual(len(used), 1)


def broken_connections() -> dict[str, Case]:
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
    cases: dict[str, Case] = {
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
            head_fields = [*rest_get(f"/get/{rest}"), ("x-request-timeout", timeout)]
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
            answer = client.session.answers[client.ask(rest_get("/get/later"))]
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


def rest_get(path: str):
    return [(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", path)]


if __name__ == "__main__":
    unittest.main()
