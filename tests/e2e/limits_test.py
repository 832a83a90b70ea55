"""Every named limit of clients' connections and of HTTP/1.1: an answer over it says which it is,
and it is counted. What has no answer to say it in (a connection that is idle, or has not come to
HTTP) is closed and counted, and operators read the name. (HTTP/2's own limits are attacked
elsewhere; those of messages belong to the doors: ../limit_names_test.py knows where.)"""

import json
import re
import socket
import struct
import tempfile
import unittest
from pathlib import Path

import frames
from backpressure_test import flood
from certificates import Authority
from harness import Gateway, curl, free_port, wait_until
from loads import Http2Client, rest_head
from puppet import Puppet, Stream, gateway_for

HTTP = {
    "header_bytes_max": 2048,
    "header_count_max": 10,
    "url_bytes_max": 300,
    "requests_per_connection_max": 3,
    "header_timeout": "300ms",
    "body_timeout": "500ms",
    "body_rate_min": 1000,
    "keep_alive_timeout": "400ms",
    "write_timeout": "500ms",
}


def config(folder: Path, **settings) -> list[str]:
    path = folder / "parley.yaml"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return ["--config", str(path)]


def request(line: str = "GET /get/x", fields: str = "", body: str = "") -> bytes:
    return f"{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}".encode()


def receive(peer: socket.socket, seconds: float = 10) -> bytes:
    """What comes until the gateway closes."""
    received = b""
    peer.settimeout(seconds)
    try:
        while chunk := peer.recv(1 << 16):
            received += chunk
    except ConnectionResetError:
        received += b"(reset)"
    return received


class Limited(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, behave=Stream.answer, threads: int = 1, port: int = 0, **settings):
        puppet = Puppet(behave)
        self.addCleanup(puppet.stop)
        self.gateway: Gateway = gateway_for(
            puppet.address,
            flags=tuple(config(self.folder, **settings)),
            threads=threads,
            port=port,
        )
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_ready()

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        to = ("127.0.0.1", self.gateway.port)
        peer = socket.create_connection(to, source_address=(source, 0))
        self.addCleanup(peer.close)
        return peer

    def hits(self, limit: str) -> int:
        page = curl(f"{self.gateway.admin_url}/metrics").body.decode()
        found = re.search(
            rf'^parley_limits_hit_total{{limit="{re.escape(limit)}"}} (\d+)', page, re.MULTILINE
        )
        return int(found[1]) if found else 0

    def check(self, answer: bytes, status: int, limit: str):
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertEqual(head.split()[1:2], [str(status).encode()], answer)
        self.assertIn(f"(limit {limit})", json.loads(body)["detail"])
        self.check_counted(limit)

    def check_counted(self, limit: str, hits: int = 1):
        wait_until(lambda: self.hits(limit) == hits, f"{limit} to be counted")


class Messages(Limited):
    def _refused(self, sent: bytes, status: int, limit: str):
        with self.subTest(limit):
            peer = self.connect()
            peer.sendall(sent)
            self.check(receive(peer), status, limit)

    def test_over_a_limit_are_refused_with_its_name(self):
        self.start(http=HTTP, methods={"*": {"message_bytes_max": 1024}})
        large = "content-type: application/json\r\ncontent-length: 2000\r\nconnection: close\r\n"
        self._refused(request(fields="x: " + "y" * 2100 + "\r\n"), 431, "http.header_bytes_max")
        self._refused(request(fields="x: y\r\n" * 11), 431, "http.header_count_max")
        self._refused(request("GET /get/" + "x" * 300), 414, "http.url_bytes_max")
        self._refused(request("POST /post", large, "x" * 2000), 413, "message_bytes_max")
        self.assertEqual(curl(f"{self.gateway.url}/get/x").status, 200)

    def test_over_a_limit_that_is_no_setting_are_refused_with_its_name(self):
        self.start(http=HTTP)
        chunked = "content-type: application/json\r\ntransfer-encoding: chunked\r\n"
        extended = f"1;{'x' * 4000}\r\n \r\n"
        self._refused(request(f"{'X' * 33} /get/x"), 400, "fixed.method_bytes_max")
        self._refused(b"\r\n" * 5, 400, "fixed.blank_lines_max")
        long_line = request("POST /post", chunked, f"1;{'x' * 4096}\r\n")
        self._refused(long_line, 400, "fixed.chunk_line_bytes_max")
        extensions = request("POST /post", chunked, extended * 5)
        self._refused(extensions, 400, "fixed.chunk_extension_bytes_max")

    def test_to_operators_have_none(self):
        self.start(message_bytes_max=1024, timeout="1ms", http=HTTP)
        page = curl(f"{self.gateway.admin_url}/metrics", "-H", "x: " + "y" * 2100)
        self.assertEqual(page.status, 200)
        self.assertGreater(len(page.body), 1024)


class Times(Limited):
    POST = "content-type: application/json\r\ncontent-length: 100000\r\n"

    def test_a_header_that_stays_away_is_refused(self):
        self.start(http=HTTP)
        peer = self.connect()
        peer.sendall(b"GET /get/x HTTP/1.1\r\n")
        self.check(receive(peer), 408, "http.header_timeout")

    def test_a_connection_without_a_request_is_closed(self):
        self.start(http=HTTP)
        for hits, said in enumerate((b"", b"\r\n", frames.PREFACE[:8]), 1):
            with self.subTest(said=said):
                peer = self.connect()
                peer.sendall(said)
                self.assertEqual(receive(peer), b"")
                self.check_counted("http.header_timeout", hits)

    def test_a_connection_is_closed_when_no_other_request_comes(self):
        self.start(http=HTTP)
        peer = self.connect()
        peer.sendall(request())
        answer = receive(peer)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        self.assertNotIn(b"connection: close", answer)
        self.check_counted("http.keep_alive_timeout")

    def test_a_body_that_stays_away_is_refused(self):
        self.start(http=HTTP)
        peer = self.connect()
        peer.sendall(request("POST /post", self.POST))
        self.check(receive(peer), 408, "http.body_timeout")

    def test_a_body_that_comes_drop_by_drop_is_refused(self):
        self.start(http=HTTP)
        peer = self.connect()
        peer.sendall(request("POST /post", self.POST))
        peer.settimeout(0.1)
        answer = b""
        while not answer:
            peer.sendall(b" ")
            try:
                answer = peer.recv(1 << 16)
            except TimeoutError:
                pass
        self.check(answer, 408, "http.body_rate_min")

    def test_a_body_that_comes_drop_by_drop_over_http2_is_refused(self):
        self.start(http=HTTP)
        fields = rest_head("POST", "/post", ("content-type", "application/json"))
        with Http2Client(self.gateway.port) as client:
            stream = client.ask(fields, ends=False)
            answer = client.session.answers[stream]
            while not answer.over:
                client.send(frames.data(stream, b" "))
                try:
                    client.wait(lambda: answer.over, 0.1)
                except TimeoutError:
                    pass
        self.assertEqual(answer.status, 408)
        self.assertIn("(limit http.body_rate_min)", json.loads(bytes(answer.body))["detail"])

    def test_a_client_that_takes_nothing_is_reset(self):
        self.start(flood, http=HTTP)
        peer = self.connect()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.sendall(request("GET /watch/x"))
        wait_until(lambda: self.hits("http.write_timeout") == 1, "the end", 20)
        self.assertTrue(receive(peer).endswith(b"(reset)"))


class Http2(Limited):
    """What one stream does wrong is no other stream's loss."""

    SETTINGS = {**HTTP, "requests_per_connection_max": 0, "idle_timeout": "400ms"}

    def _refused(self, client: Http2Client, fields, status: int, limit: str):
        with self.subTest(limit):
            answer = client.fetch(fields)
            self.assertEqual(answer.status, status)
            self.assertIn(f"(limit {limit})", json.loads(bytes(answer.body))["detail"])
            self.check_counted(limit)

    def test_a_head_over_a_limit_costs_its_stream_alone(self):
        self.start(http={**self.SETTINGS, "idle_timeout": "1m"})
        with Http2Client(self.gateway.port) as client:
            large = rest_head("GET", "/get/x", ("x", "y" * 2100))
            many = rest_head("GET", "/get/x", *[("x", "y")] * 11)
            self._refused(client, large, 431, "http.header_bytes_max")
            self._refused(client, many, 431, "http.header_count_max")
            self._refused(client, rest_head("GET", "/get/" + "x" * 300), 414, "http.url_bytes_max")
            self.assertEqual(client.fetch(rest_head("GET", "/get/x")).status, 200)
            self.assertFalse(client.session.going_away)

    def test_a_stream_too_many_is_refused_and_the_others_go_on(self):
        held = []
        self.start(held.append, http={**self.SETTINGS, "streams_max": 2})
        with Http2Client(self.gateway.port) as client:
            asked = [client.ask(rest_head("GET", "/get/x")) for _ in range(3)]
            *calls, extra = [client.session.answers[stream] for stream in asked]
            client.wait(lambda: extra.over, 5)
            self.assertEqual(extra.reset, frames.REFUSED_STREAM)
            wait_until(lambda: self.hits("http.streams_max") == 1, "the limit to be counted")
            wait_until(lambda: len(held) == 2, "the calls at the upstream")
            for call in held:
                call.answer()
            client.wait(lambda: all(call.over for call in calls), 5)
            self.assertEqual([call.status for call in calls], [200, 200])
            self.assertFalse(client.session.going_away)

    def _sent_away(self, more: bytes, limit: str):
        peer = self.connect()
        peer.sendall(frames.PREFACE + frames.settings({}) + more)
        received = frames.FrameReader().feed(receive(peer))
        said = [one for one in received if one.kind == frames.GOAWAY]
        self.assertEqual(len(said), 1)
        self.assertIn(f"(limit {limit})", said[0].payload[8:].decode())
        self.check_counted(limit)

    def test_a_connection_without_requests_is_sent_away_with_the_name(self):
        self.start(http=self.SETTINGS)
        self._sent_away(b"", "http.idle_timeout")

    def test_a_header_that_does_not_end_is_sent_away_with_the_name(self):
        self.start(http=self.SETTINGS)
        head = frames.encode(rest_head("GET", "/get/x"))
        self._sent_away(frames.frame(frames.HEADERS, 0, 1, head), "http.header_timeout")


    def test_many_settings_in_a_frame_are_sent_away_with_the_name(self):
        self.start(http=self.SETTINGS)
        entries = struct.pack(">HI", frames.INITIAL_WINDOW_SIZE, 65535) * 33
        self._sent_away(frames.frame(frames.SETTINGS, 0, 0, entries), "fixed.settings_entries_max")


class BeforeHttp(Limited):
    """What ends before there is a request is told to operators."""

    def _start(self, **listener):
        port = free_port()
        self.start(port=port, listeners=[{"address": f"127.0.0.1:{port}", **listener}])

    def _start_tls(self, **tls) -> Authority:
        authority = Authority()
        self.addCleanup(authority.remove)
        pair = authority.issue("IP:127.0.0.1")
        authority_file = {"client_ca": str(authority.ca)} if "client_auth" in tls else {}
        self._start(tls={"cert": str(pair.cert), "key": str(pair.key), **tls, **authority_file})
        return authority

    def _told(self, limit: str):
        self.check_counted(limit)
        self.gateway.process.wait_for(rf"^listener .*\(limit {re.escape(limit)}\)$")

    def test_a_handshake_that_takes_too_long_ends(self):
        self._start_tls(handshake_timeout="300ms")
        self.assertEqual(receive(self.connect()), b"")
        self._told("listeners[].tls.handshake_timeout")

    def test_a_proxy_header_that_takes_too_long_ends(self):
        self._start(proxy_protocol={"from": ["127.0.0.0/8"], "timeout": "300ms"})
        self.assertEqual(receive(self.connect()), b"")
        self._told("listeners[].proxy_protocol.timeout")

    def test_a_proxy_header_that_is_too_long_is_refused(self):
        self._start(proxy_protocol={"from": ["127.0.0.0/8"]})
        peer = self.connect()
        peer.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 4096))
        receive(peer)
        self._told("fixed.proxy_header_bytes_max")

    def test_certificates_that_are_too_many_bytes_are_refused(self):
        authority = self._start_tls(client_auth="request")
        pair = authority.issue("DNS:client.test")
        chain = self.folder / "chain.pem"
        chain.write_text(pair.cert.read_text() * 300)
        url = f"https://127.0.0.1:{self.gateway.port}/get/x"
        shown = ["--cacert", str(authority.ca), "--cert", str(chain), "--key", str(pair.key)]
        self.assertEqual(curl(*shown, url).status, 0)
        self._told("fixed.certificate_chain_bytes_max")


class Upstreams(Limited):
    def test_that_do_not_take_a_connection_in_time_are_counted(self):
        # Where the queue is full, a connection is neither taken nor refused.
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        for _ in range(4):
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        address = "127.0.0.1:%d" % full.getsockname()[1]
        settings = {"puppet": {"endpoints": [address], "connect_timeout": "200ms"}}
        self.gateway = gateway_for(address, flags=tuple(config(self.folder, upstreams=settings)))
        self.addCleanup(self.gateway.stop)
        answer = curl(f"{self.gateway.url}/get/x", "--retry", "3", "--retry-connrefused")
        self.assertEqual(answer.status, 503)
        limit = "upstreams.puppet.connect_timeout"
        wait_until(lambda: self.hits(limit) > 0, f"{limit} to be counted")


class Connections(Limited):
    def test_end_after_as_many_requests_as_they_may_have(self):
        self.start(http=HTTP)
        peer = self.connect()
        peer.sendall(request() * 5)
        answers = receive(peer)
        self.assertEqual(answers.count(b"HTTP/1.1 200 "), 3)
        self.assertEqual(answers.count(b"connection: close"), 1)
        self.check_counted("http.requests_per_connection_max")

    def test_of_http2_go_away_after_as_many_requests_as_they_may_have(self):
        self.start(http={**HTTP, "header_timeout": "10s"})
        with Http2Client(self.gateway.port) as client:
            for _ in range(3):
                self.assertEqual(client.fetch(rest_head("GET", "/get/x")).status, 200)
            client.wait(lambda: client.session.going_away, 5)
            self.assertTrue(client.session.going_away)
        limit = "http.requests_per_connection_max"
        self.check_counted(limit)
        peer = self.connect()
        asked = [frames.headers(one, rest_head("GET", "/get/x"), ends=True) for one in (1, 3, 5)]
        peer.sendall(frames.PREFACE + frames.settings({}) + b"".join(asked))
        received = frames.FrameReader().feed(receive(peer))
        said = [one.payload[8:].decode() for one in received if one.kind == frames.GOAWAY]
        self.assertIn(f"(limit {limit})", said[-1])
        self.check_counted(limit, 2)

    def _fill(self, count: int, source: str = "127.0.0.1") -> list[socket.socket]:
        taken = [self.connect(source) for _ in range(count)]
        for peer in taken:
            peer.sendall(request())
            self.assertIn(b" 200 ", peer.recv(1 << 16))
        return taken

    def test_beyond_all_that_there_may_be_are_refused(self):
        self.start(connections_max=5)
        taken = self._fill(5)
        extra = self.connect()
        extra.sendall(request())
        self.check(receive(extra), 503, "connections_max")
        taken[0].close()
        wait_until(lambda: curl(f"{self.gateway.url}/get/x").status == 200, "room again")

    def test_are_counted_over_all_threads(self):
        # An odd number: halves of it would be less.
        self.start(threads=2, connections_max=5)
        taken = self._fill(5)
        extra = self.connect()
        extra.sendall(request())
        self.check(receive(extra), 503, "connections_max")
        taken[0].close()
        wait_until(lambda: curl(f"{self.gateway.url}/get/x").status == 200, "room again")

    def test_beyond_what_an_address_may_have_are_refused(self):
        self.start(connections_per_address_max=4)
        taken = self._fill(4)
        extra = self.connect()
        extra.sendall(request())
        self.check(receive(extra), 503, "connections_per_address_max")
        self._fill(4, "127.0.0.2")
        taken[0].close()
        wait_until(lambda: curl(f"{self.gateway.url}/get/x").status == 200, "room again")

    def test_that_are_many_too_many_are_reset(self):
        self.start(connections_max=5)
        self._fill(5)
        extra = [self.connect() for _ in range(200)]
        self.assertIn(b"(reset)", {receive(peer) for peer in extra})
        self.assertEqual(curl(f"{self.gateway.admin_url}/readyz").status, 200)


if __name__ == "__main__":
    unittest.main()
