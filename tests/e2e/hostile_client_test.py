"""No client's request harms another's: good requests and hostile ones share one upstream
connection to a real grpc++ server, which ends a connection on metadata that it does not like."""

import asyncio
import itertools
import socket
import struct
import unittest
from pathlib import Path

import frames
from frames import grpc_frame, headers
from harness import Gateway, Shop, curl, strict_users
from loads import Answer2, Http1Load, Http2Load, Session, grpc_head, rest_head

GOOD = {"http1": 6000, "http2": 3000, "grpc": 3000}
HOSTILE = 200
ATTACK_SECONDS = 0.5  # for an answer; some attacks have none
GET_USER = "/shop.v1.Users/GetUser"
USER_7 = bytes([8, 7])  # GetUserRequest{user_id: 7}


def http1(line: str = "GET /v1/users/7", fields: str = "", body: bytes = b"") -> bytes:
    raw = f"{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{fields}\r\n"
    return raw.encode("latin-1") + body


def h2(*parts: bytes) -> bytes:
    return frames.PREFACE + frames.settings({}) + b"".join(parts)


def grpc(*fields: tuple[str, str | bytes], body: bytes = grpc_frame(USER_7)) -> bytes:
    return h2(headers(1, grpc_head(GET_USER, *fields)), frames.data(1, body, ends=True))


def rest(*fields: tuple[str, str | bytes]) -> bytes:
    return h2(headers(1, rest_head("GET", "/v1/users/7", *fields), ends=True))


def opened_and_reset(count: int) -> bytes:
    streams = range(1, 2 * count, 2)
    return b"".join(
        headers(one, grpc_head(GET_USER)) + frames.rst_stream(one, frames.CANCEL) for one in streams
    )


# What a hostile client sends on a connection of its own, and where it has an answer in HTTP/1.1,
# its status.
HTTP1_ATTACKS = {
    "-bin value that is not base64": (http1(fields="x-foo-bin: not base64!\r\n"), 400),
    "-bin value with a bad length": (http1(fields="x-foo-bin: AAAAA\r\n"), 400),
    "header of 20 kB": (http1(fields=f"x-large: {'a' * 20000}\r\n"), 431),
    "header of 9 kB": (http1(fields=f"x-large: {'a' * 9000}\r\n"), 431),
    "200 header fields": (http1(fields="x-a: b\r\n" * 200), 431),
    "grpc-timeout that is none": (http1(fields="grpc-timeout: zzz\r\n"), None),
    "grpc-encoding that is none": (http1(fields="grpc-encoding: zzz\r\n"), None),
    "timeout that is none": (http1(fields="x-request-timeout: soon\r\n"), 400),
    "bytes above ASCII in a value": (http1(fields="x-odd: \xff\xfe\x80\r\n"), None),
    "a control character in a value": (http1(fields="x-odd: a\x01b\r\n"), None),
    "a null in a value": (http1(fields="x-odd: a\0b\r\n"), 400),
    "a name with an odd character": (http1(fields="x odd: a\r\n"), 400),
    "%FF in the path": (http1("GET /v1/users/%FF"), 400),
    "%00 in the path": (http1("GET /v1/users/%00"), 400),
    "dots in the path": (http1("GET /v1/users/../users/7"), 400),
    "a verb that is not served": (http1("DELETE /v1/users:lookup"), 405),
    "a body of 5 MB": (
        http1("POST /v1/users", "content-length: 5000000\r\n", b'{"name":"' + b"a" * 4999991),
        413,
    ),
    "a body that is not JSON": (
        http1("POST /v1/users", "content-length: 4\r\n", b"\xff\xff{["),
        400,
    ),
    "a body of 9,000 brackets": (
        http1("POST /v1/users", "content-length: 9000\r\n", b"[" * 9000),
        400,
    ),
    "two lengths": (http1(fields="content-length: 1\r\ncontent-length: 2\r\n", body=b"x"), 400),
    "a chunk without a size": (
        http1("POST /v1/users", "transfer-encoding: chunked\r\n", b"zz\r\n"),
        400,
    ),
    "a host that is none": (b"GET /v1/users/7 HTTP/1.1\r\nhost: \xff\r\n\r\n", 400),
    "no host": (b"GET /v1/users/7 HTTP/1.1\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), 400),
}

# The same over HTTP/2: gRPC and REST.
HTTP2_ATTACKS = {
    "gRPC: -bin value that is not base64": grpc(("x-foo-bin", "not base64!")),
    "gRPC: header of 20 kB": grpc(("x-large", "a" * 20000)),
    "gRPC: header of 9 kB": grpc(("x-large", "a" * 9000)),
    "gRPC: grpc-timeout that is none": grpc(("grpc-timeout", "zzz")),
    "gRPC: grpc-timeout of nine digits": grpc(("grpc-timeout", "999999999S")),
    "gRPC: grpc-encoding that is none": grpc(("grpc-encoding", "zzz")),
    "gRPC: grpc-encoding with odd bytes": grpc(("grpc-encoding", b"\xff\xfe")),
    "gRPC: grpc-accept-encoding that is none": grpc(("grpc-accept-encoding", "zzz,\x7f,gzip")),
    "gRPC: a status in the request": grpc(("grpc-status", "0"), ("grpc-message", "%ZZ")),
    "gRPC: reserved names": grpc(("grpc-retry-pushback-ms", "x"), ("grpc-tags-bin", "!")),
    "gRPC: a content type that is none": h2(
        headers(1, rest_head("POST", GET_USER, ("content-type", "application/grpc+\x01"))),
        frames.data(1, grpc_frame(USER_7), ends=True),
    ),
    "gRPC: te that is none": grpc(("te", "gzip")),
    "gRPC: a hop-by-hop field": grpc(("connection", "close")),
    "gRPC: bytes above ASCII in a value": grpc(("x-odd", b"\xff\x80")),
    "gRPC: spaces around a value": grpc(("x-odd", " a ")),
    "gRPC: a capital in a name": grpc(("X-Odd", "a")),
    "gRPC: an empty name": grpc(("", "a")),
    "gRPC: a second path": grpc((":path", "/other")),
    "gRPC: a length that is not kept": grpc(("content-length", "3")),
    "gRPC: a message that says 4 GiB": grpc(body=grpc_frame(USER_7, size=0xFFFFFFFF)),
    "gRPC: a message cut off": grpc(body=grpc_frame(USER_7, size=100)),
    "gRPC: flags that are none": grpc(body=grpc_frame(USER_7, flags=0x7F)),
    "gRPC: compressed without an encoding": grpc(body=grpc_frame(USER_7, flags=1)),
    "gRPC: bytes that are no message": grpc(body=grpc_frame(b"\xff\xff\xff")),
    "gRPC: two messages": grpc(body=grpc_frame(USER_7) * 2),
    "gRPC: no message": grpc(body=b""),
    "REST: header of 20 kB": rest(("x-large", "a" * 20000)),
    "REST: -bin value that is not base64": rest(("x-foo-bin", "not base64!")),
    "REST: 100 kB of header": rest(*(("x-large", "a" * 1000) for _ in range(100))),
    "an authority with odd bytes": h2(
        headers(1, [*rest_head("GET", "/v1/users/7")[:2], (":authority", b"\xff"), (":path", "/")])
    ),
    "streams opened and reset": h2(opened_and_reset(20)),
    "a stream reset in the middle of its message": h2(
        headers(1, grpc_head(GET_USER)),
        frames.data(1, b"\0\0\0\0\x02\x08"),
        frames.rst_stream(1, frames.PROTOCOL_ERROR),
    ),
    "bytes that are no frames": h2(bytes(range(256)) * 8),
    "DATA on a stream that was never opened": h2(frames.data(5, b"x")),
    "DATA on stream 0": h2(frames.frame(frames.DATA, 0, 0, b"x")),
    "HEADERS that HPACK cannot read": h2(frames.frame(frames.HEADERS, 5, 1, b"\xff" * 40)),
    "CONTINUATION after nothing": h2(frames.frame(frames.CONTINUATION, 4, 1, b"")),
    "CONTINUATION without end": h2(
        frames.frame(frames.HEADERS, 0, 1, b""),
        *(frames.frame(frames.CONTINUATION, 0, 1, b"\0\1a\1b" * 1000) for _ in range(30)),
    ),
    "a window beyond 2 GiB": h2(frames.window_update(0, 0x7FFFFFFF), frames.window_update(0, 1)),
    "a window of nothing": h2(headers(1, grpc_head(GET_USER)), frames.window_update(1, 0)),
    "a SETTINGS frame of 5 bytes": h2(frames.frame(frames.SETTINGS, 0, 0, b"12345")),
    "a frame longer than allowed": h2(frames.frame(frames.DATA, 0, 1, b"x" * 70000)),
    "PUSH_PROMISE from a client": h2(frames.frame(frames.PUSH_PROMISE, 4, 1, b"\0\0\0\2")),
    "GOAWAY and then a request": h2(frames.goaway(0, 0), headers(1, grpc_head(GET_USER))),
    "a preface cut off": frames.PREFACE[:20],
    "1,000 PINGs": h2(frames.frame(frames.PING, 0, 0, b"12345678") * 1000),
}


class Attackers:
    """Sends the attacks one after the other, each on a connection of its own. What the gateway says
    to those in HTTP/1.1 is kept."""

    def __init__(self, port: int):
        self._port = port
        self.sent = 0
        self.wrong: list[str] = []

    async def run(self, count: int):
        attacks = [(name, raw, status) for name, (raw, status) in HTTP1_ATTACKS.items()]
        attacks += [(name, raw, None) for name, raw in HTTP2_ATTACKS.items()]
        for name, raw, status in itertools.islice(itertools.cycle(attacks), count):
            self.sent += 1
            said = await self._attack(raw, breaks_off=self.sent % 5 == 0)
            if said is not None and status not in (None, said):
                self.wrong.append(f"{name}: {said}, not {status}")

    async def _attack(self, raw: bytes, *, breaks_off: bool) -> int | None:
        """The status of an answer in HTTP/1.1. `breaks_off`: the connection is reset at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(raw)
            if breaks_off:
                peer = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return None
            reads = self._read_frames if raw.startswith(b"PRI") else self._read_status
            return await asyncio.wait_for(reads(reader), ATTACK_SECONDS)
        except (ConnectionError, TimeoutError):
            return None
        finally:
            writer.close()

    async def _read_status(self, reader: asyncio.StreamReader) -> int | None:
        answer = await reader.read(1 << 16)
        return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else None

    async def _read_frames(self, reader: asyncio.StreamReader):
        """Until the first stream or the connection is over."""
        session = Session()
        first = session.answers[1] = Answer2()
        while not first.over and (received := await reader.read(1 << 16)):
            session.receive(received)


class Neighbours(unittest.TestCase):
    """Good requests over each protocol, every answer compared, beside hostile ones."""

    async def _run(self, gateway: Gateway):
        expected = curl(f"{gateway.url}/v1/users/7")
        self.assertEqual(expected.status, 200, expected)
        before = self._upstream_connections(gateway)
        get = b"GET /v1/users/7 HTTP/1.1\r\nhost: test\r\n\r\n"
        http1_load = Http1Load(
            gateway.port,
            itertools.repeat(get),
            lambda status, body: status == 200 and body == expected.body,
            GOOD["http1"],
        )
        http2_load = Http2Load(
            gateway.port,
            lambda session: session.ask(rest_head("GET", "/v1/users/7")),
            lambda answer: answer.status == 200 and answer.body == expected.body,
            GOOD["http2"],
        )
        grpc_load = Http2Load(
            gateway.port,
            lambda session: session.ask(grpc_head(GET_USER), grpc_frame(USER_7)),
            lambda answer: answer.grpc_status == 0 and len(answer.messages) == 1,
            GOOD["grpc"],
        )
        attackers = Attackers(gateway.port)
        await asyncio.gather(
            http1_load.run(6), http2_load.run(2, 6), grpc_load.run(2, 6), attackers.run(HOSTILE)
        )
        self.assertEqual(attackers.sent, HOSTILE)
        for name, load in (("http1", http1_load), ("http2", http2_load), ("grpc", grpc_load)):
            self.assertEqual(load.tally.wrong, {}, name)
            self.assertEqual(load.tally.good, GOOD[name], name)
        self.assertEqual(attackers.wrong, [])
        self.assertTrue(gateway.process.running)
        self.assertEqual(self._upstream_connections(gateway), before)

    def _upstream_connections(self, gateway: Gateway) -> set[str]:
        """The gateway's own ends of its connections to upstreams."""
        inodes = {
            link.readlink().name.removeprefix("socket:[").removesuffix("]")
            for link in Path(f"/proc/{gateway.process.pid}/fd").iterdir()
            if link.is_symlink() and str(link.readlink()).startswith("socket:")
        }
        upstreams = {f"{int(port):04X}" for port in self._upstream_ports}
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[1] for row in rows if row[9] in inodes and row[2][-4:] in upstreams}

    def test_lose_nothing_before_the_shop(self):
        shop = Shop()
        self.addCleanup(shop.stop)
        address = shop.addresses["users"]
        self._upstream_ports = [address.rpartition(":")[2]]
        gateway = Gateway("--upstream", address, "--threads", "1", "--log", "off")
        self.addCleanup(gateway.stop)
        asyncio.run(self._run(gateway))

    def test_lose_nothing_before_a_server_that_is_strict_and_fast(self):
        port, gateway = strict_users(self, USER_7)  # User{user_id: 7}
        self._upstream_ports = [port]
        asyncio.run(self._run(gateway))


if __name__ == "__main__":
    unittest.main()
