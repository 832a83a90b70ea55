"""Whatever an upstream does, each client gets a mapped answer and the gateway lives."""

import json
import unittest
from collections.abc import Callable

import frames
from answers import body, head, message, raw, reset, says, status, trailers
from frames import grpc_frame, text_message
from loads import Answer2, Http2Client, descriptors, grpc_head, memory_bytes, rest_head
from puppet import OK_HEAD, OK_TRAILERS, SERVICE, Puppet, Stream, gateway_for

OK = (200, 0)
MALFORMED = (502, 13)
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
                answer = self.client.fetch(rest_head("GET", f"/get/{number}"))
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
                self.client.fetch(rest_head("GET", f"/get/{number}"))

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


if __name__ == "__main__":
    unittest.main()
