"""SIGTERM: the gateway takes no new connections, answers what it has, and exits with 0."""

import asyncio
import http.client
import itertools
import json
import signal
import socket
import ssl
import tempfile
import time
import unittest

import frames
from certificates import Authority
from harness import Gateway, Process, curl, free_port, tool, wait_until
from loads import Answer2, Everything, Http1Load, Http2Client, Verdict, grpc_head
from puppet import PROTO, SERVICE, Puppet, Stream, gateway_for

SETTLED = 300
EXIT_SECONDS = 5  # when nothing takes longer
UNAVAILABLE = 14
LIMIT_SECONDS = 1  # drain_timeout, where something does
DELAY_SECONDS = 2  # drain_delay
LONG_SECONDS = 60  # what has to come before this


class UnderLoad(unittest.TestCase):
    def test_no_request_is_lost(self):
        puppet = Puppet(Stream.answer)
        self.addCleanup(puppet.stop)
        gateway = gateway_for(puppet.address, threads=2)
        self.addCleanup(gateway.stop)
        gateway.wait_ready()
        everything = Everything(
            gateway.port, "/get/x", b'{"text":"ok"}', f"{SERVICE}/Get", frames.text_message("x")
        )

        request = b"GET /get/x HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
        once = Http1Load(
            gateway.port,
            itertools.repeat(request),
            lambda status, body: status == 200 and body == b'{"text":"ok"}',
        )

        async def story():
            running = asyncio.gather(everything.run(), once.run(4))
            await everything.until(lambda: everything.progress() >= SETTLED, "the load to settle")
            gateway.process.signal(signal.SIGTERM)
            await asyncio.wait_for(running, EXIT_SECONDS)

        asyncio.run(story())
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0, gateway.process.output)
        self.assertEqual(everything.wrong, {})
        self.assertEqual(everything.times(Verdict.UNAVAILABLE), [])
        self.assertEqual(once.tally.wrong, {}, "connections of one request")
        for load in (once, *everything.loads):
            self.assertGreater(load.refused, 0, "a load that ended by itself proves nothing")


class Streams(unittest.TestCase):
    def setUp(self):
        self.puppet = Puppet(Stream.open_with_message)
        self.addCleanup(self.puppet.stop)

    def _gateway(self, *flags: str):
        gateway = gateway_for(self.puppet.address, flags=flags)
        self.addCleanup(gateway.stop)
        gateway.wait_ready()
        return gateway

    def _limited_gateway(self):
        settings = tempfile.NamedTemporaryFile("w", prefix="parley-", suffix=".yaml")
        self.addCleanup(settings.close)
        settings.write(f"drain_timeout: {LIMIT_SECONDS}s\n")
        settings.flush()
        return self._gateway("--config", settings.name)

    def _watching_in_json(self, gateway) -> Process:
        """A client that has seen the first line of a stream."""
        client = Process(tool("curl"), "-sN", f"{gateway.url}/watch/json", name="curl")
        self.addCleanup(client.stop)
        client.wait_for("first")
        return client

    def _watching_in_grpc(self, gateway) -> tuple[Http2Client, Answer2]:
        client = Http2Client(gateway.port)
        self.addCleanup(client.socket.close)
        message = frames.grpc_frame(frames.text_message("grpc"))
        answer = client.session.answers[client.ask(grpc_head(f"{SERVICE}/Watch"), message)]
        client.wait(lambda: answer.messages)
        return client, answer

    def test_go_on_to_their_end(self):
        gateway = self._gateway()
        json_client = self._watching_in_json(gateway)
        grpc_client, answer = self._watching_in_grpc(gateway)
        gateway.process.signal(signal.SIGTERM)
        grpc_client.wait(lambda: grpc_client.session.going_away)
        wait_until(lambda: curl(gateway.url).status == 0, "no new connections")
        for stream in self.puppet.streams():
            stream.send(stream.message_frame("last") + stream.trailers_frame())
        grpc_client.wait(lambda: answer.over)
        self.assertEqual(answer.grpc_status, 0)
        self.assertEqual(len(answer.messages), 2)
        self.assertEqual(json_client.wait(), 0)
        texts = [json.loads(line)["text"] for line in json_client.output.splitlines()]
        self.assertEqual(texts, ["first", "last"])
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0)

    def test_end_at_the_limit(self):
        gateway = self._limited_gateway()
        json_client = self._watching_in_json(gateway)
        grpc_client, answer = self._watching_in_grpc(gateway)
        begin = time.monotonic()
        gateway.process.signal(signal.SIGTERM)
        grpc_client.wait(lambda: answer.over)
        self.assertEqual(gateway.process.wait(LIMIT_SECONDS + EXIT_SECONDS), 0)
        self.assertGreaterEqual(time.monotonic() - begin, LIMIT_SECONDS)
        self.assertEqual(answer.grpc_status, UNAVAILABLE, answer)
        self.assertIn("shuts down", answer.trailers["grpc-message"])
        self.assertEqual(json_client.wait(), 0, "its last line says that it was cut off")
        last = json.loads(json_client.output.splitlines()[-1])
        self.assertEqual(last["error"]["code"], "UNAVAILABLE", last)
        for stream in self.puppet.streams():
            over = lambda one=stream: one.reset is not None or one.connection.ended
            self.puppet.wait(over, "the upstream to hear of it")


class IdleConnections(unittest.TestCase):
    """Between two requests, over HTTP/1.1."""

    def test_serve_one_more_request_and_end(self):
        puppet = Puppet(Stream.answer)
        self.addCleanup(puppet.stop)
        gateway = gateway_for(puppet.address)
        self.addCleanup(gateway.stop)
        gateway.wait_ready()
        client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=EXIT_SECONDS)
        self.addCleanup(client.close)
        client.request("GET", "/get/x")
        self.assertFalse(client.getresponse().read() == b"")
        gateway.process.signal(signal.SIGTERM)
        wait_until(lambda: curl(gateway.url).status == 0, "no new connections")
        client.request("GET", "/get/x")
        answer = client.getresponse()
        self.assertEqual((answer.status, answer.getheader("connection")), (200, "close"))
        self.assertEqual(answer.read(), b'{"text":"ok"}')
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0)


def configured(test: unittest.TestCase, puppet: Puppet, settings: str, *flags: str):
    """A gateway with two threads and these settings."""
    file = tempfile.NamedTemporaryFile("w", prefix="parley-", suffix=".yaml")
    test.addCleanup(file.close)
    file.write(settings)
    file.flush()
    gateway = gateway_for(puppet.address, flags=("--config", file.name, *flags), threads=2)
    test.addCleanup(gateway.stop)
    gateway.wait_ready()
    return gateway


class Readiness(unittest.TestCase):
    """Over fresh connections to both listeners."""

    def ready(self, gateway) -> int:
        return curl(f"{gateway.admin_url}/readyz").status

    def test_is_gone_a_delay_before_the_listeners_are(self):
        puppet = Puppet(Stream.answer)
        self.addCleanup(puppet.stop)
        gateway = configured(self, puppet, f"drain_delay: {DELAY_SECONDS}s\n")
        begin = time.monotonic()
        gateway.process.signal(signal.SIGTERM)
        wait_until(lambda: self.ready(gateway) == 503, "the gateway to say so")
        answers = []
        while (status := curl(f"{gateway.url}/get/x").status) == 200:
            answers.append(status)
        self.assertEqual(status, 0, "no connection, and nothing else")
        self.assertGreaterEqual(time.monotonic() - begin, DELAY_SECONDS)
        self.assertGreater(len(answers), 1)
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0)

    def test_is_denied_as_long_as_anyone_is_served(self):
        puppet = Puppet(Stream.open_with_message)
        self.addCleanup(puppet.stop)
        gateway = configured(self, puppet, f"drain_timeout: {LONG_SECONDS}s\n")
        watching = []
        for _ in range(8):  # on either thread
            client = Http2Client(gateway.port)
            self.addCleanup(client.socket.close)
            message = frames.grpc_frame(frames.text_message("grpc"))
            answer = client.session.answers[client.ask(grpc_head(f"{SERVICE}/Watch"), message)]
            client.wait(lambda one=answer: one.messages)
            watching.append((client, answer))
        gateway.process.signal(signal.SIGTERM)
        wait_until(lambda: curl(gateway.url).status == 0, "no new connections")
        self.assertEqual(self.ready(gateway), 503)
        self.assertEqual(curl(f"{gateway.admin_url}/healthz").status, 200)
        self.assertEqual(curl(f"{gateway.admin_url}/metrics").status, 200)
        for stream in self.streams_of(puppet, len(watching)):
            stream.send(stream.message_frame("last") + stream.trailers_frame())
        for client, answer in watching:
            client.wait(lambda one=answer: one.over)
            self.assertEqual(answer.grpc_status, 0)
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0)

    def streams_of(self, puppet: Puppet, count: int):
        puppet.wait(lambda: len(puppet.streams()) == count, "the upstream to see all")
        return puppet.streams()

    def test_does_not_hold_up_the_end(self):
        puppet = Puppet(Stream.answer)
        self.addCleanup(puppet.stop)
        gateway = configured(self, puppet, f"drain_idle_timeout: {LONG_SECONDS}s\n")
        idle = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=EXIT_SECONDS)
        self.addCleanup(idle.close)
        idle.request("GET", "/readyz")
        self.assertEqual(idle.getresponse().read()[:5], b"ready")
        gateway.process.signal(signal.SIGTERM)
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0)


class SilentConnections(unittest.TestCase):
    """That have not asked for anything yet."""

    SETTINGS = f"""
drain_timeout: {LONG_SECONDS}s
drain_idle_timeout: 1s
http: {{header_timeout: {LONG_SECONDS}s}}
"""

    def setUp(self):
        self.puppet = Puppet(Stream.answer)
        self.addCleanup(self.puppet.stop)

    def connect(self, gateway) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", gateway.port), EXIT_SECONDS)
        self.addCleanup(peer.close)
        return peer

    def check_ends(self, gateway, *peers: socket.socket):
        begin = time.monotonic()
        gateway.process.signal(signal.SIGTERM)
        for peer in peers:
            while peer.recv(1 << 16):
                pass
        self.assertGreater(time.monotonic() - begin, 0.9, "its request may be on its way")
        self.assertEqual(gateway.process.wait(EXIT_SECONDS), 0)

    def test_in_clear_text_end_as_idle_ones(self):
        gateway = configured(self, self.puppet, self.SETTINGS)
        self.check_ends(gateway, *(self.connect(gateway) for _ in range(4)))

    def test_before_and_after_the_handshake_end_as_idle_ones(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        pair = authority.issue("IP:127.0.0.1")
        gateway = self.listening(
            f"tls: {{cert: {pair.cert}, key: {pair.key}, handshake_timeout: {LONG_SECONDS}s}}"
        )
        peers = [self.connect(gateway)]
        for protocols in ([], ["http/1.1"], ["h2"]):
            context = ssl.create_default_context(cafile=str(authority.ca))
            if protocols:
                context.set_alpn_protocols(protocols)
            peers.append(context.wrap_socket(self.connect(gateway), server_hostname="127.0.0.1"))
        self.check_ends(gateway, *peers)

    def test_before_their_proxy_header_end_as_idle_ones(self):
        gateway = self.listening("proxy_protocol: 127.0.0.1")
        self.check_ends(gateway, self.connect(gateway))

    def listening(self, listener: str):
        """A gateway whose listener says this."""
        file = tempfile.NamedTemporaryFile("w", prefix="parley-", suffix=".yaml")
        self.addCleanup(file.close)
        port = free_port()
        place = f"address: '127.0.0.1:{port}'"
        file.write(f"{self.SETTINGS}listeners: [{{{place}, {listener}}}]\n")
        file.flush()
        gateway = Gateway("--upstream", f"puppet={self.puppet.address}", "--proto",
                          f"puppet={PROTO}", "--include", f"puppet={PROTO.parent}", "--config",
                          file.name, listen=False, port=port)  # fmt: skip
        self.addCleanup(gateway.stop)
        return gateway


if __name__ == "__main__":
    unittest.main()
