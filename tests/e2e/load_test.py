"""Upstreams come and go under load: only what was in flight at a kill may fail."""

import asyncio
import itertools
import signal
import tempfile
import time
import unittest

import frames
from harness import BUILD, Gateway, Process, curl, wait_until
from loads import Everything, Http1Load, Verdict, descriptors, memory_bytes
from puppet import SERVICE, Puppet, Stream, gateway_for

GET_USER = "/shop.v1.Users/GetUser"
USER_7 = bytes([8, 7])  # GetUserRequest{user_id: 7}
SETTLED = 300  # good answers of each load after which it is at full speed
BACK_SECONDS = 1.5  # from the upstream's return until all is good again
BROKEN_SECONDS = 0.5  # in which what was in flight at a kill fails
WARM_UP = 4000
REQUESTS = 20_000
GROWTH_BYTES_MAX = 2 << 20
ODD_REQUESTS = [  # each ends its connection
    f"GET /v1/users/{what} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
    for what in ("999999", "none", "%FF", "7/nowhere", "7?unknown=1")
]


class Users:
    """The shop's users service, alone, which comes back to its address."""

    def __init__(self):
        self._data = tempfile.TemporaryDirectory(prefix="users-")
        self.address = "127.0.0.1:0"
        self.start()

    def start(self):
        flags = ("users", "--data", self._data.name, "--listen", self.address)
        self._process = Process(BUILD / "demo/shop", *flags, name="users")
        self.address = self._process.wait_for(r"^listening on (\S+)")[1]

    def kill(self):
        self._process.signal(signal.SIGKILL)
        self._process.wait()

    async def restart(self):
        await asyncio.to_thread(self.start)

    def stop(self):
        self._process.stop()
        self._data.cleanup()


class UnderLoad(unittest.TestCase):
    def _begin(self, count: int, **how) -> tuple[list[Users], Gateway, Everything]:
        """`count` endpoints of one upstream, a gateway before them, and loads that wait to run."""
        endpoints = []
        for _ in range(count):
            endpoints.append(Users())
            self.addCleanup(endpoints[-1].stop)
        upstream = "users=" + ",".join(one.address for one in endpoints)
        gateway = Gateway("--upstream", upstream, "--log", "off")
        self.addCleanup(gateway.stop)
        expected = curl(f"{gateway.url}/v1/users/7")
        self.assertEqual(expected.status, 200, expected)
        everything = Everything(
            gateway.port, "/v1/users/7", expected.body, GET_USER, USER_7, **how
        )
        return endpoints, gateway, everything

    async def _while_running(self, everything: Everything, story):
        running = asyncio.create_task(everything.run())
        try:
            await everything.until(lambda: everything.progress() >= SETTLED, "the load to settle")
            await story
            settled = everything.progress() + SETTLED
            await everything.until(lambda: everything.progress() >= settled, "good answers again")
        finally:
            everything.stop()
            await running


class OneEndpoint(UnderLoad):
    def test_killed_and_restarted_is_unavailable_only_meanwhile(self):
        (users,), _, everything = self._begin(1)
        killed = back = 0.0

        async def story():
            nonlocal killed, back
            killed = time.monotonic()
            users.kill()
            await everything.until(lambda: everything.times(Verdict.UNAVAILABLE), "the outage")
            await users.restart()
            back = time.monotonic()

        asyncio.run(self._while_running(everything, story()))
        self.assertEqual(everything.wrong, {})
        unavailable = everything.times(Verdict.UNAVAILABLE)
        self.assertGreaterEqual(unavailable[0], killed)
        self.assertLess(unavailable[-1], back + BACK_SECONDS)


class TwoEndpoints(UnderLoad):
    def test_one_killed_costs_only_what_it_had_in_flight(self):
        (first, _), _, everything = self._begin(2)
        killed = 0.0

        async def story():
            nonlocal killed
            killed = time.monotonic()
            first.kill()
            settled = everything.progress() + SETTLED
            await everything.until(lambda: everything.progress() >= settled, "good answers")
            await first.restart()

        asyncio.run(self._while_running(everything, story()))
        self.assertEqual(everything.wrong, {})
        unavailable = everything.times(Verdict.UNAVAILABLE)
        self.assertLessEqual(len(unavailable), everything.in_flight_max)
        for at in unavailable:
            self.assertTrue(killed <= at < killed + BROKEN_SECONDS, at - killed)


class RollingRestart(UnderLoad):
    """Endpoints that end as RFC 9113, 6.8 and gRPC have it: GOAWAY, and what is below it is
    answered. (grpc++'s synchronous server answers CANCELLED to what arrives just then.)"""

    def _roll(self, leave):
        endpoints = [Puppet(Stream.answer), Puppet(Stream.answer)]
        for one in endpoints:
            self.addCleanup(lambda one=one: one.stop())
        gateway = gateway_for(*(one.address for one in endpoints))
        self.addCleanup(gateway.stop)
        gateway.wait_ready()
        everything = Everything(
            gateway.port, "/get/x", b'{"text":"ok"}', f"{SERVICE}/Get", frames.text_message("x")
        )

        async def story():
            for at, old in enumerate(endpoints):
                await asyncio.to_thread(leave, old)
                settled = everything.progress() + SETTLED
                await everything.until(lambda: everything.progress() >= settled, "good answers")
                new = Puppet(Stream.answer, port=old.port)
                self.addCleanup(new.stop)
                await everything.until(new.streams, f"calls at endpoint {at} again")

        asyncio.run(self._while_running(everything, story()))
        self.assertEqual(everything.wrong, {})
        self.assertEqual(everything.times(Verdict.UNAVAILABLE), [])

    def test_loses_nothing(self):
        self._roll(Puppet.drain)

    def test_loses_nothing_when_goaway_leaves_out_what_has_come(self):
        self._roll(Puppet.leave_at_once)


class ManyRequests(unittest.TestCase):
    """Memory and descriptors are those of the connections that are open, not of what has been."""

    def test_leave_nothing_behind(self):
        users = Users()
        self.addCleanup(users.stop)
        gateway = Gateway("--upstream", users.address, "--log", "off")
        self.addCleanup(gateway.stop)
        pid = gateway.process.pid
        self._mixed(gateway, WARM_UP)
        memory, open_before = memory_bytes(pid), self._settled_descriptors(pid)
        self._mixed(gateway, REQUESTS)
        self.assertLess(memory_bytes(pid) - memory, GROWTH_BYTES_MAX)
        self.assertEqual(self._settled_descriptors(pid), open_before)

    def _mixed(self, gateway: Gateway, requests: int):
        """Good ones and failures, over connections that last and connections of one request."""
        each = requests // 4
        expected = curl(f"{gateway.url}/v1/users/7").body
        everything = Everything(
            gateway.port, "/v1/users/7", expected, GET_USER, USER_7, count=each
        )
        once = Http1Load(
            gateway.port,
            itertools.cycle(request.encode() for request in ODD_REQUESTS),
            lambda status, _: 400 <= status < 500,
            each,
        )

        async def run():
            await asyncio.gather(everything.run(), once.run(4))

        asyncio.run(run())
        self.assertEqual(everything.wrong + once.tally.wrong, {})
        self.assertEqual(len(everything.times(Verdict.GOOD)) + once.tally.good, 4 * each)

    def _settled_descriptors(self, pid: int) -> int:
        """Their number, once the clients' ends are gone."""
        seen = []

        def same_as_before() -> bool:
            seen.append(descriptors(pid))
            return seen[-5:] == seen[-1:] * 5

        wait_until(same_as_before, "the number of descriptors to settle")
        return seen[-1]


if __name__ == "__main__":
    unittest.main()
