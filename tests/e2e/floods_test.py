"""Floods of HTTP/2 frames: each is answered with a GOAWAY that names its limit, is counted, and
costs a good client on a connection of its own nothing. What they cost the gateway is printed."""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import flooder
import frames
from flooder import HELLO, reason
from frames import headers
from harness import Gateway, Shop, curl
from loads import Http2Client, memory_bytes, rest_head

ATTACK_SECONDS = float(os.environ.get("PARLEY_FLOOD_SECONDS", "1.5"))  # ./dev soak has more
ATTACKERS = 4  # connections at once, one after the other each
GOOD_MIN = 10  # answers that the good client gets meanwhile, also on a busy machine
GROWTH_BYTES_MAX = 24 << 20

WRITE_SECONDS = 1
HOLDERS = 10  # connections that open streams and give them no window
HELD_STREAMS = 100  # of each, at once
HELD_SECONDS = 30  # until all of them are sent away
RESETS_MAX = 200  # the default

# A stream's answer that is held waits with its head, its buffers and those of its task.
HELD_BYTES_MAX = 64 << 10

CONFIG = f"http: {{write_timeout: {WRITE_SECONDS}s}}"

GET = rest_head("GET", "/v1/users/7")
LIST = rest_head("GET", "/v1/users")
NO_WINDOW = frames.settings({frames.INITIAL_WINDOW_SIZE: 0})


class Flood(NamedTuple):
    """What an attacker sends on one connection, and the limit that it hits."""

    limit: str
    raw: bytes


def streams(count: int, make) -> bytes:
    return b"".join(make(1 + 2 * number) for number in range(count))


def reset_by_us(stream: int) -> bytes:
    return headers(stream, LIST, ends=False) + frames.rst_stream(stream, frames.CANCEL)


def window_overflow(stream: int) -> bytes:
    """The gateway has to reset the stream (RFC 9113, 6.9.1)."""
    return headers(stream, LIST, ends=False) + frames.window_update(stream, 0x7FFFFFFF)


def length_passed(stream: int) -> bytes:
    """The same, for a body that is longer than it said (RFC 9113, 8.1.1)."""
    head = rest_head("POST", "/v1/users", ("content-length", "1"))
    return headers(stream, head) + frames.data(stream, b"xyz")


def bomb(stream: int) -> bytes:
    """A field of 4,000 bytes goes into the table, and is then named by one byte each time."""
    entry = b"\x40\x06x-bomb\x7f\xa1\x1e" + b"b" * 4000
    block = frames.encode(GET) + entry + b"\xbe" * 12000
    return frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, block)


def nothing(kind: int, payload: bytes = b"", stream: int = 0) -> bytes:
    return frames.frame(kind, 0, stream, payload)


FLOODS = {
    "rapid reset": Flood("http.resets_max", streams(20000, reset_by_us)),
    "made you reset: window": Flood("http.resets_max", streams(20000, window_overflow)),
    "made you reset: length": Flood("http.resets_max", streams(20000, length_passed)),
    "streams beyond the limit": Flood(
        "http.resets_max", streams(20000, lambda one: headers(one, LIST, ends=False))
    ),
    "CONTINUATION": Flood(
        "http.continuation_frames_max",
        nothing(frames.HEADERS, frames.encode(GET), 1)
        + nothing(frames.CONTINUATION, b"", 1) * 9999,
    ),
    "SETTINGS": Flood("http.overhead_frames_max", frames.settings({4: 65535}) * 50000),
    "PING": Flood("http.overhead_frames_max", nothing(frames.PING, b"12345678") * 50000),
    "empty DATA": Flood(
        "http.overhead_frames_max",
        headers(1, rest_head("POST", "/v1/users")) + nothing(frames.DATA, b"", 1) * 50000,
    ),
    "DATA after a reset": Flood(
        "http.overhead_frames_max", length_passed(1) + frames.data(1, b"x") * 200000
    ),
    "tiny WINDOW_UPDATE": Flood(
        "http.overhead_frames_max",
        NO_WINDOW + headers(1, LIST, ends=True) + frames.window_update(1, 1) * 50000,
    ),
    "PRIORITY": Flood(
        "http.overhead_frames_max", nothing(frames.PRIORITY, b"\0\0\0\1\x10", 3) * 50000
    ),
    "HPACK bomb": Flood("http.header_bytes_max", streams(50, bomb)),
}


class Seen(NamedTuple):
    """What attackers got: how their connections ended, how often."""

    connections: int
    endings: Counter


class Attack:
    """Attackers in processes of their own, that flood until their time is over."""

    def __init__(self, port: int, raw: bytes):
        with tempfile.NamedTemporaryFile(prefix="flood-") as file:
            file.write(raw)
            file.flush()
            command = [sys.executable, flooder.__file__, str(port), str(ATTACK_SECONDS), file.name]
            self._processes = [
                subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                for _ in range(ATTACKERS)
            ]
            for process in self._processes:
                process.stdout.readline()  # it has read the file

    def over(self) -> bool:
        return all(process.poll() is not None for process in self._processes)

    def seen(self) -> Seen:
        endings: Counter = Counter()
        for process in self._processes:
            endings.update(json.loads(process.communicate()[0]))
        return Seen(endings.total(), endings)

    def stop(self):
        for process in self._processes:
            process.kill()
            process.wait()
            process.stdout.close()


class Cost:
    """What the gateway uses from here on."""

    def __init__(self, pid: int):
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
        self._memory = memory_bytes(pid)
        self._cpu = self._ticks()
        self._began = time.monotonic()

    def _ticks(self) -> int:
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
        return sum(map(int, fields.split()[11:13]))

    @property
    def cores(self) -> float:
        seconds = (self._ticks() - self._cpu) / os.sysconf("SC_CLK_TCK")
        return seconds / (time.monotonic() - self._began)

    @property
    def growth(self) -> int:
        """Of the resident memory, at its highest."""
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 - self._memory


class GoodClient:
    """Asks again and again, and keeps how long each answer took, in milliseconds."""

    def __init__(self, port: int, expected: bytes):
        self._client = Http2Client(port)
        self._expected = expected
        self.times: list[float] = []
        self.wrong: list[str] = []

    def ask(self):
        began = time.monotonic()
        answer = self._client.fetch(GET)
        self.times.append((time.monotonic() - began) * 1000)
        if answer.status != 200 or answer.body != self._expected:
            self.wrong.append(repr(answer))
        self._client.session.answers.clear()

    def close(self):
        self._client.socket.close()

    def __str__(self) -> str:
        cuts = statistics.quantiles(self.times, n=100)
        return f"{len(self.times)} good answers, p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"


class Holder:
    """Opens streams, gives them no window, and opens another for each that is reset."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = frames.FrameReader()
        self._next = 1
        self.resets = 0
        self.goaway = ""  # code and text
        self._socket.sendall(HELLO + NO_WINDOW)
        self._open(HELD_STREAMS)
        self._socket.setblocking(False)

    def _open(self, count: int):
        ids = range(self._next, self._next + 2 * count, 2)
        self._next += 2 * count
        self._socket.sendall(b"".join(headers(one, LIST, ends=True) for one in ids))

    def go_on(self):
        try:
            said = list(self._reader.feed(self._socket.recv(1 << 16)))
        except BlockingIOError:
            return
        resets = sum(one.kind == frames.RST_STREAM for one in said)
        self.resets += resets
        self.goaway = next((reason(one) for one in said if one.kind == frames.GOAWAY), self.goaway)
        if not self.goaway:
            self._open(resets)

    def close(self):
        self._socket.close()


class Floods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop()
        cls.addClassCleanup(cls.shop.stop)
        config = tempfile.NamedTemporaryFile("w", prefix="floods-", suffix=".yaml")
        cls.addClassCleanup(config.close)
        config.write(CONFIG)
        config.flush()
        flags = ["--upstream", cls.shop.addresses["users"], "--config", config.name]
        cls.gateway = Gateway(*flags, "--threads", "1", "--log", "off")
        cls.addClassCleanup(cls.gateway.stop)
        cls.expected = curl(f"{cls.gateway.url}/v1/users/7").body
        # The allocator's arenas and the pools have their size after a first round.
        for flood in FLOODS.values():
            flooder.ending(cls.gateway.port, flood.raw)

    def hits(self, limit: str) -> int:
        page = curl(f"{self.gateway.admin_url}/metrics").body.decode()
        sample = rf'^parley_limits_hit_total{{limit="{limit}"}} (\d+)$'
        found = re.search(sample, page, re.MULTILINE)
        return int(found[1]) if found else 0

    def good_client(self) -> GoodClient:
        client = GoodClient(self.gateway.port, self.expected)
        self.addCleanup(client.close)
        return client

    def _attacked(self, flood: Flood) -> tuple[Seen, GoodClient]:
        """The good client asks until the attackers, in processes of their own, have ended."""
        client = self.good_client()
        attack = Attack(self.gateway.port, flood.raw)
        self.addCleanup(attack.stop)
        while not attack.over():
            client.ask()
        return attack.seen(), client

    def _check(self, name: str):
        flood = FLOODS[name]
        hits = self.hits(flood.limit)
        cost = Cost(self.gateway.process.pid)
        seen, client = self._attacked(flood)
        print(
            f"{name}: {seen.connections} connections of {len(flood.raw) >> 10} KiB; {client}; "
            f"{cost.cores:.2f} cores, {cost.growth / (1 << 20):+.1f} MiB"
        )
        self.assertEqual(client.wrong, [])
        self.assertGreaterEqual(len(client.times), GOOD_MIN)
        for text in seen.endings:
            self.assertRegex(text, rf"^{frames.ENHANCE_YOUR_CALM} .*\(limit {flood.limit}\)$")
        self.assertEqual(self.hits(flood.limit) - hits, seen.connections)
        self.assertLess(cost.growth, GROWTH_BYTES_MAX)

    def test_windows_that_stay_shut_end_with_the_write_timeout(self):
        """Each stream holds its answer, and no more, until it is reset; a connection that goes on
        like that ends."""
        names = ("http.write_timeout", "http.resets_max")
        before, client = [self.hits(name) for name in names], self.good_client()
        cost = Cost(self.gateway.process.pid)
        holders = [Holder(self.gateway.port) for _ in range(HOLDERS)]
        for holder in holders:
            self.addCleanup(holder.close)
        end = time.monotonic() + HELD_SECONDS
        while not all(holder.goaway for holder in holders) and time.monotonic() < end:
            client.ask()
            for holder in holders:
                holder.go_on()
        held = HOLDERS * HELD_STREAMS
        resets, endings = (after - was for was, after in zip(before, map(self.hits, names)))
        print(
            f"zero windows: {held} streams, {resets} in all; {client}; "
            f"{cost.cores:.2f} cores, {cost.growth / (1 << 20):+.1f} MiB"
        )
        for holder in holders:
            text = rf"^{frames.ENHANCE_YOUR_CALM} .*\(limit http.resets_max\)$"
            self.assertRegex(holder.goaway, text)
        self.assertEqual(endings, HOLDERS)
        self.assertGreater(resets, HOLDERS * RESETS_MAX)
        self.assertEqual(client.wrong, [])
        self.assertLess(cost.growth, held * HELD_BYTES_MAX)


def flood_test(name: str):
    return lambda self: self._check(name)


for _name in FLOODS:
    setattr(Floods, "test_" + re.sub(r"\W+", "_", _name.lower()), flood_test(_name))


if __name__ == "__main__":
    unittest.main()
