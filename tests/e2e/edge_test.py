"""What a listener does before a request reaches a door: redirects, HSTS, PROXY headers, and who the
client is when others stand between."""

import json
import socket
import time
import unittest

from certificates import Authority
from harness import Gateway, Shop, curl, free_port, wait_until

USER = "/v1/users/42"


class Edge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop()
        cls.addClassCleanup(cls.shop.stop)
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)

    def start(self, *listeners: str, more: str = "") -> Gateway:
        """A gateway whose first listener has its port; each is `{...}` without the address. `more`:
        other lines of the settings file."""
        port = free_port()
        places = [port] + [free_port() for _ in listeners[1:]]
        config = self.authority.folder / f"parley-{port}.yaml"
        text = "listeners:\n"
        for place, listener in zip(places, listeners):
            text += f"  - {{address: '127.0.0.1:{place}', {listener}}}\n"
        text += f"upstreams: {{users: '{self.shop.addresses['users']}'}}\n"
        config.write_text(text + more)
        gateway = Gateway("--config", str(config), "--log", "json", listen=False, port=port)
        self.addCleanup(gateway.stop)
        gateway.ports = places
        return gateway

    def logged_client(self, gateway: Gateway, path: str) -> str:
        """Whom the access log names for a path that was asked for once."""

        def find():
            lines = [line for line in gateway.process.output.splitlines() if line.startswith("{")]
            return [one for one in map(json.loads, lines) if one.get("path") == path]

        return wait_until(find, f"a line for {path}")[0]["client"]

    def test_redirects_to_https(self):
        gateway = self.start("redirect_to_https: 8443")
        answer = curl("-X", "POST", "-d", "{}", f"{gateway.url}{USER}?a=b")
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.headers["location"], f"https://127.0.0.1:8443{USER}?a=b")

    def test_says_hsts_over_tls_only(self):
        pair = self.authority.issue("IP:127.0.0.1")
        tls = f"tls: {{cert: {pair.cert}, key: {pair.key}}}"
        gateway = self.start("serve: [api]", f"{tls}, hsts: {{max_age: 8760h, subdomains: true}}")
        self.assertNotIn("strict-transport-security", curl(f"{gateway.url}{USER}").headers)
        for path, status in ((USER, 200), ("/nowhere", 404)):
            for version in ("--http1.1", "--http2"):
                url = f"https://127.0.0.1:{gateway.ports[1]}{path}"
                answer = curl(version, "--cacert", str(self.authority.ca), url)
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["strict-transport-security"],
                                 "max-age=31536000; includeSubDomains")

    def test_says_hsts_where_a_trusted_proxy_had_the_tls(self):
        gateway = self.start("forwarded: {trusted_hops: 1}, hsts: 1h")
        for scheme, said in (("https", "max-age=3600"), ("http", None)):
            fields = ["-H", "x-forwarded-for: 192.0.2.1", "-H", f"x-forwarded-proto: {scheme}"]
            answer = curl(*fields, f"{gateway.url}{USER}")
            self.assertEqual(answer.headers.get("strict-transport-security"), said)
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def test_takes_the_client_from_a_proxy_header(self):
        gateway = self.start("proxy_protocol: {from: [127.0.0.0/8]}")
        line = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
        binary = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 2, 198, 51, 100, 2])
                  + b"\xdc\x04\x01\xbb")
        for user, header, client in ((41, line, "192.0.2.1"), (43, binary, "192.0.2.2")):
            with self.subTest(client=client):
                answer = self.raw(gateway, header + self.request(user))
                self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
                self.assertEqual(self.logged_client(gateway, f"/v1/users/{user}"), client)

    def test_counts_the_connections_of_the_client_that_a_proxy_header_names(self):
        gateway = self.start("proxy_protocol: {from: [127.0.0.0/8]}",
                             more="connections_per_address_max: 1\n")

        def line(client):
            return f"PROXY TCP4 {client} 198.51.100.2 56324 443\r\n".encode()

        with socket.create_connection(("127.0.0.1", gateway.port), 10) as first:
            first.sendall(line("192.0.2.1") + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(first.recv(65536).startswith(b"HTTP/1.1 404"))
            refusal = self.raw(gateway, line("192.0.2.1") + self.request(1))
            self.assertTrue(refusal.startswith(b"HTTP/1.1 503"), refusal)
            self.assertIn(b"connections_per_address_max", refusal)
            other = self.raw(gateway, line("192.0.2.2") + self.request(1))
            self.assertTrue(other.startswith(b"HTTP/1.1 200"), other)

    def test_requires_the_proxy_header(self):
        gateway = self.start("proxy_protocol: {from: [127.0.0.0/8]}")
        self.assertEqual(self.raw(gateway, self.request(42)), b"")
        gateway.process.wait_for(rf"^listener 127.0.0.1:{gateway.port}: 127.0.0.1:\d+: the PROXY "
                                 r"header is not valid: it begins otherwise \(malformed\)$")

    def test_waits_for_the_proxy_header_as_long_as_it_is_told(self):
        gateway = self.start("proxy_protocol: {from: [127.0.0.0/8], timeout: 300ms}")
        began = time.monotonic()
        self.assertEqual(self.raw(gateway, b"PROXY"), b"")
        # Of 10 s, the default, it is far away.
        self.assertTrue(0.2 < time.monotonic() - began < 5)
        self.assertIn('parley_proxy_failures_total{cause="timeout"} 1',
                      curl(f"{gateway.admin_url}/metrics").body.decode())

    def test_takes_proxy_headers_from_listed_addresses_only(self):
        gateway = self.start("proxy_protocol: {from: [10.0.0.0/8]}")
        header = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
        self.assertEqual(self.raw(gateway, header + self.request(42)), b"")
        self.assertIn('parley_proxy_failures_total{cause="stranger"} 1',
                      curl(f"{gateway.admin_url}/metrics").body.decode())

    def test_a_proxy_header_comes_before_tls(self):
        pair = self.authority.issue("IP:127.0.0.1")
        gateway = self.start(f"proxy_protocol: 127.0.0.0/8, tls: {{cert: {pair.cert}, "
                             f"key: {pair.key}}}")
        answer = curl("--haproxy-protocol", "--cacert", str(self.authority.ca),
                      f"https://127.0.0.1:{gateway.port}{USER}")
        self.assertEqual(answer.status, 200)

    def test_finds_the_client_behind_trusted_proxies(self):
        chain = "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.9"
        for rule, client in (("{trusted: [127.0.0.0/8, 10.0.0.0/8]}", "192.0.2.1"),
                             ("{trusted_hops: 1}", "10.0.0.9"), ("{trusted_hops: 2}", "192.0.2.1")):
            with self.subTest(rule=rule):
                gateway = self.start(f"forwarded: {rule}")
                self.assertEqual(curl("-H", chain, f"{gateway.url}{USER}").status, 200)
                self.assertEqual(self.logged_client(gateway, USER), client)

    def test_believes_nobody_unless_told(self):
        gateway = self.start("serve: [api]")
        curl("-H", "X-Forwarded-For: 6.6.6.6", "-H", "Forwarded: for=6.6.6.6",
             f"{gateway.url}{USER}")
        self.assertEqual(self.logged_client(gateway, USER), "127.0.0.1")

    @staticmethod
    def request(user: int) -> bytes:
        return f"GET /v1/users/{user} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    @staticmethod
    def raw(gateway: Gateway, sent: bytes) -> bytes:
        """All that comes back; nothing when the connection is reset, be it while connecting."""
        got = b""
        try:
            with socket.create_connection(("127.0.0.1", gateway.port), 10) as stream:
                stream.sendall(sent)
                while chunk := stream.recv(65536):
                    got += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass
        return got


if __name__ == "__main__":
    unittest.main()
