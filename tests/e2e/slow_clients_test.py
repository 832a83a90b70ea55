"""Thousands of slow connections (slowhttptest: slow headers, slow bodies, slow reading, ranges)
leave a good client unharmed. PARLEY_SLOW_SECONDS makes each attack longer."""

import asyncio
import itertools
import os
import re
import resource
import unittest

from harness import Gateway, Process, Shop, curl, tool
from loads import Http1Load, Verdict, memory_bytes

CONNECTIONS = 4000
# Processes of slowhttptest, each with its part: where all connections stay, one does not get beyond
# some 2,800, since it looks at all of them at each step.
SWARM = 8
SECONDS = int(os.environ.get("PARLEY_SLOW_SECONDS", "5"))
LATENCY_SECONDS_MAX = 1.0
# The attack's own clock: how often a slow client says something, and how little.
PACE = ["-i", "2", "-x", "8", "-p", "3"]
ATTACKS = {
    "slow headers": ["-H", *PACE],
    "slow bodies": ["-B", *PACE, "-s", "100000", "-t", "POST", "-f", "application/json"],
    "slow reading": ["-X", *PACE, "-w", "8", "-y", "16", "-n", "2", "-z", "4", "-k", "3"],
    "ranges": ["-R", "-a", "1", "-b", "3000", "-t", "GET"],
}
SWARMING = {"slow headers", "slow bodies"}
# Open at once, at the least. Those of the first two do not end before the attack; those of the
# others end with their answers: mostly all are open at once there, too.
OPEN_MIN = {
    "slow headers": CONNECTIONS,
    "slow bodies": CONNECTIONS,
    "slow reading": CONNECTIONS // 2,
    "ranges": CONNECTIONS // 20,
}


class SlowClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # What is started here inherits it: both ends of every connection need a descriptor.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(3 * CONNECTIONS, most), most))
        cls.shop = Shop()
        cls.addClassCleanup(cls.shop.stop)
        flags = [part for one in cls.shop.addresses.values() for part in ("--upstream", one)]
        cls.gateway = Gateway(*flags, "--threads", "1", "--log", "off")
        cls.addClassCleanup(cls.gateway.stop)

    def test_leave_a_good_client_unharmed(self):
        for name, flags in ATTACKS.items():
            with self.subTest(name):
                attack = Attack(self.gateway, flags, SWARM if name in SWARMING else 1)
                asyncio.run(attack.run())
                print(f"{name}: {attack}")
                self.assertEqual(attack.load.tally.wrong, {})
                self.assertGreater(attack.load.tally.good, 10 * SECONDS)
                self.assertLess(attack.slowest, LATENCY_SECONDS_MAX)
                self.assertGreaterEqual(attack.connections, OPEN_MIN[name])


class Attack:
    """A swarm of slowhttptest, and a good client on one connection that asks again and again
    meanwhile."""

    def __init__(self, gateway: Gateway, flags: list[str], swarm: int):
        self.connections = 0  # the most that the gateway had at once
        self._gateway = gateway
        part = str(CONNECTIONS // swarm)
        self._flags = [*flags, "-c", part, "-r", part, "-l", str(SECONDS)]
        self._swarm = swarm
        request = b"GET /v1/users/7 HTTP/1.1\r\nhost: good\r\n\r\n"
        self.load = Http1Load(
            gateway.port, itertools.repeat(request), lambda status, _: status == 200
        )

    async def run(self):
        url = f"{self._gateway.url}/v1/products"
        command = [tool("slowhttptest"), *self._flags, "-u", url]
        swarm = [Process(*command) for _ in range(self._swarm)]
        running = asyncio.create_task(self.load.run(1))
        try:
            while any(attack.running for attack in swarm):
                self.connections = max(self.connections, await asyncio.to_thread(self._count))
        finally:
            self.load.stop()
            for attack in swarm:
                attack.stop()
        await running

    def _count(self) -> int:
        page = curl(f"{self._gateway.admin_url}/metrics").body.decode()
        return int(re.search(r"^parley_client_connections (\d+)", page, re.MULTILINE)[1])

    @property
    def slowest(self) -> float:
        """Seconds: each request follows the last answer at once, so they are between answers."""
        times = self.load.tally.times(Verdict.GOOD)
        return max((b - a for a, b in itertools.pairwise(times)), default=float("inf"))

    def __str__(self) -> str:
        memory = memory_bytes(self._gateway.process.pid) >> 20
        return (
            f"{self.connections} connections, {self.load.tally.good} good answers, "
            f"the slowest in {self.slowest * 1000:.0f} ms, {memory} MiB"
        )


if __name__ == "__main__":
    unittest.main()
