"""Clients that take every descriptor there is for them: the connections that are open go on,
operators get in, and new ones are taken when others have gone."""

import re
import socket
import unittest

from harness import curl, wait_until
from puppet import Puppet, Stream, gateway_for

DESCRIPTORS = 160
CLIENTS = 300
REQUEST = b"GET /get/x HTTP/1.1\r\nhost: a\r\n\r\n"


class Descriptors(unittest.TestCase):
    def start(self, threads: int):
        puppet = Puppet(Stream.answer)
        self.addCleanup(puppet.stop)
        self.gateway = gateway_for(puppet.address, threads=threads, descriptors=DESCRIPTORS)
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_ready()

    def connect(self) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", self.gateway.port), 10)
        self.addCleanup(peer.close)
        return peer

    def ask(self, peer: socket.socket):
        peer.sendall(REQUEST)
        self.assertIn(b" 200 ", peer.recv(1 << 16))

    def pauses(self) -> int:
        page = curl(f"{self.gateway.admin_url}/metrics")
        self.assertEqual(page.status, 200)
        found = re.search(r"^parley_accept_pauses_total (\d+)", page.body.decode(), re.MULTILINE)
        return int(found[1])

    def check(self, threads: int):
        self.start(threads)
        good = [self.connect() for _ in range(5)]
        for peer in good:
            self.ask(peer)
        self.assertEqual(self.pauses(), 0)
        burst = [self.connect() for _ in range(CLIENTS)]
        waiting = [self.connect() for _ in range(5)]
        for peer in waiting:
            peer.sendall(REQUEST)
        wait_until(lambda: self.pauses() > 3, "accepting to pause")
        self.gateway.process.wait_for(
            rf"^listener 127.0.0.1:{self.gateway.port}: new connections wait: too many open files"
        )
        for _ in range(3):
            self.assertEqual(curl(f"{self.gateway.admin_url}/readyz").status, 200)
            for peer in good:
                self.ask(peer)
        for peer in burst:
            peer.close()
        for peer in waiting:
            self.assertIn(b" 200 ", peer.recv(1 << 16))
        self.ask(self.connect())

    def test_taken_by_clients_leave_operators_and_open_connections_unharmed(self):
        self.check(threads=1)

    def test_are_kept_for_operators_on_every_thread(self):
        self.check(threads=2)

    def test_too_few_for_the_settings_are_a_warning_with_both_numbers(self):
        self.start(threads=1)
        said = self.gateway.process.wait_for(r"warning: connections_max \(65536\).*")[0]
        self.assertIn(f"the {DESCRIPTORS} files that the process may open", said)
        room = int(re.search(r"set connections_max to (\d+) at most", said)[1])
        self.assertIn(room, range(50, DESCRIPTORS))


if __name__ == "__main__":
    unittest.main()
