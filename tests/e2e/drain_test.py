"""SIGTERM: the gateway takes no new connections, answers what it has, and exits with 0."""

import asyncio
import http.client
import itertools
import json
import signal
import tempfile
import time
import unittest

import frames
from harness import Process, curl, tool, wait_until
from loads import Answer2, Everything, Http1Load, Http2Client, Verdict, grpc_head
from puppet import SERVICE, Puppet, Stream, gateway_for

SETTLED = 300
EXIT_SECONDS = 5  # when nothing takes longer
UNAVAILABLE = 14
LIMIT_SECONDS = 1  # drain_timeout, where something does


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


if __name__ == "__main__":
    unittest.main()
