"""Upstreams come and go under load: only what was in flight at a kill may fail."""

import asyncio
import signal
import tempfile
import time
import unittest

import frames
from harness import BUILD, Gateway, Process, curl
from loads import Everything, Verdict
from puppet import SERVICE, Puppet, Stream, gateway_for

GET_USER = "/shop.v1.Users/GetUser"
USER_7 = bytes([8, 7])  # GetUserRequest{user_id: 7}
SETTLED = 300  # good answers of each load after which it is at full speed
BACK_SECONDS = 1.5  # from the upstream's return until all is good again
BROKEN_SECONDS = 0.5  # in which what was in flight at a kill fails


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
                used = lambda new=new: new.connections and new.connections[0].streams
                await everything.until(used, f"calls at endpoint {at} again")

        asyncio.run(self._while_running(everything, story()))
        self.assertEqual(everything.wrong, {})
        self.assertEqual(everything.times(Verdict.UNAVAILABLE), [])

    def test_loses_nothing(self):
        self._roll(Puppet.drain)

    def test_loses_nothing_when_goaway_leaves_out_what_has_come(self):
        self._roll(Puppet.leave_at_once)


if __name__ == "__main__":
    unittest.main()
