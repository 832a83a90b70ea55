"""TLS on listeners, driven by curl, openssl and Python's ssl."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from certificates import Authority, Pair
from harness import BUILD, Gateway, Shop, curl, free_port, tool, wait_until
from puppet import Puppet, gateway_for

USER = "/v1/users/42"


class TlsCase(unittest.TestCase):
    """The shop's users behind a gateway with TLS."""

    @classmethod
    def setUpClass(cls):
        cls.shop = Shop()
        cls.addClassCleanup(cls.shop.stop)
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.set_up_gateway()

    @classmethod
    def set_up_gateway(cls):
        raise NotImplementedError

    @classmethod
    def start(cls, *flags: str) -> Gateway:
        gateway = Gateway("--upstream", cls.shop.addresses["users"], *flags)
        cls.addClassCleanup(gateway.stop)
        return gateway

    @classmethod
    def start_with(cls, tls: str, *flags: str) -> Gateway:
        """A gateway whose listener has this `tls:` of the configuration file."""
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False)
        cls.addClassCleanup(Path(config.name).unlink)
        port = free_port()
        with config:
            config.write(f"listeners:\n  - address: 127.0.0.1:{port}\n    tls: {tls}\n")
        gateway = Gateway("--config", config.name, *flags, "--upstream",
                          cls.shop.addresses["users"], port=port)
        cls.addClassCleanup(gateway.stop)
        return gateway

    def curl(self, gateway: Gateway, *arguments: str, path: str = USER, host: str = "127.0.0.1"):
        url = f"https://{host}:{gateway.port}{path}"
        resolve = f"{host}:{gateway.port}:127.0.0.1"
        return curl("--cacert", str(self.authority.ca), "--resolve", resolve, *arguments, url)

    def metric(self, gateway: Gateway, name: str) -> int:
        lines = curl(f"{gateway.admin_url}/metrics").body.decode().splitlines()
        return sum(int(line.split()[-1]) for line in lines if line.startswith(name))


class Listener(TlsCase):
    @classmethod
    def set_up_gateway(cls):
        cls.pair = cls.authority.issue("IP:127.0.0.1", "DNS:localhost")
        cls.gateway = cls.start("--threads", "2", *cls.pair.flags)

    def test_serves_http2_and_http1_by_alpn(self):
        for flag, version in (("--http2", "2"), ("--http1.1", "1.1")):
            with self.subTest(version=version):
                answer = self.curl(self.gateway, flag, "-w", "%{http_version}")
                self.assertEqual(answer.status, 200)
                self.assertTrue(answer.body.endswith(version.encode()), answer)

    def test_serves_grpc(self):
        command = [tool("grpcurl"), "-cacert", str(self.authority.ca), "-d", '{"user_id": 42}',
                   f"127.0.0.1:{self.gateway.port}", "shop.v1.Users/GetUser"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"user_id": "42"', done.stdout)

    def test_refuses_unknown_protocols_and_old_versions(self):
        for flags, alert in ((["-alpn", "spdy/3"], "no application protocol"),
                             (["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "protocol version")):
            with self.subTest(flags=flags):
                self.assertIn(alert, self.s_client(*flags))

    def test_resumes_sessions_on_every_thread(self):
        for version in ("TLSv1_2", "TLSv1_3"):
            with self.subTest(version=version):
                before = self.metric(self.gateway, "parley_tls_resumptions_total")
                self.assertEqual(self.resumptions(version, 12), 12)
                after = self.metric(self.gateway, "parley_tls_resumptions_total")
                self.assertEqual(after - before, 12)

    def test_answers_plain_http_with_what_is_wrong(self):
        counted = 'parley_tls_failures_total{cause="no_tls"}'
        for flag in ("--http1.1", "--http2-prior-knowledge"):
            with self.subTest(flag):
                before = self.metric(self.gateway, counted)
                answer = curl(flag, f"http://127.0.0.1:{self.gateway.port}{USER}")
                self.assertEqual(answer.status, 400)
                self.assertEqual(answer.json["detail"],
                                 "a plain HTTP request was sent to an HTTPS port")
                self.assertEqual(self.metric(self.gateway, counted) - before, 1)

    def test_says_when_its_certificate_expires(self):
        page = curl(f"{self.gateway.admin_url}/metrics").body.decode()
        found = re.search(r'^parley_tls_certificate_expiry_seconds\{listener="127.0.0.1:'
                          rf'{self.gateway.port}",certificate="(.*)"\}} (\d+)$', page, re.MULTILINE)
        self.assertEqual(found[1], str(self.pair.cert))
        command = [tool("openssl"), "x509", "-noout", "-enddate", "-in", found[1]]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertEqual(int(found[2]), ssl.cert_time_to_seconds(said.strip().split("=")[1]))

    def s_client(self, *flags: str) -> str:
        command = [tool("openssl"), "s_client", "-connect", f"127.0.0.1:{self.gateway.port}",
                   *flags]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                              check=False)
        return (done.stdout + done.stderr).decode(errors="replace")

    def resumptions(self, version: str, count: int) -> int:
        """How many of so many connections went on with the session before; the kernel spreads them
        over the gateway's threads."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        session, reused = None, 0
        for _ in range(count + 1):
            with socket.create_connection(("127.0.0.1", self.gateway.port), 10) as raw:
                with context.wrap_socket(raw, server_hostname="localhost",
                                         session=session) as stream:
                    stream.sendall(f"GET {USER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                    self.assertIn(b"200", stream.recv(65536))
                    reused += stream.session_reused
                    session = stream.session
        return reused


class Names(TlsCase):
    @classmethod
    def set_up_gateway(cls):
        issue = cls.authority.issue
        pairs = [issue("DNS:first.test"), issue("DNS:exact.wild.test"), issue("DNS:*.wild.test")]
        listed = ", ".join(f"{{cert: {pair.cert}, key: {pair.key}}}" for pair in pairs)
        cls.gateway = cls.start_with(f"{{certificates: [{listed}]}}")

    def test_the_name_chooses_the_certificate(self):
        for name in ("first.test", "exact.wild.test", "other.wild.test"):
            with self.subTest(name=name):
                self.assertEqual(self.curl(self.gateway, host=name).status, 200)
        for name in ("deep.other.wild.test", "unknown.test"):
            with self.subTest(name=name):
                self.assertEqual(self.curl(self.gateway, host=name).status, 0)


class Handshakes(TlsCase):
    @classmethod
    def set_up_gateway(cls):
        pair = cls.authority.issue("IP:127.0.0.1")
        cls.gateway = cls.start_with(f"{{cert: {pair.cert}, key: {pair.key}, "
                                     "handshake_timeout: 300ms}")

    def test_that_do_not_come_in_time_end_the_connection(self):
        failed = self.metric(self.gateway, "parley_tls_failures_total")
        with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=8) as silent:
            began = time.monotonic()
            self.assertEqual(silent.recv(1), b"")
            # Of 10 s, the default, it is far away.
            self.assertTrue(0.2 < time.monotonic() - began < 5)
            ours = silent.getsockname()[1]
        self.assertEqual(self.metric(self.gateway, "parley_tls_failures_total"), failed + 1)
        self.assertEqual(self.curl(self.gateway).status, 200)
        place = f"127.0.0.1:{self.gateway.port}: 127.0.0.1:{ours}"
        self.gateway.process.wait_for(rf"^listener {place}: "
                                      r"TLS handshake failed: it took too long \(timeout\) "
                                      r"\(limit listeners\[\].tls.handshake_timeout\)$")


class Clients(TlsCase):
    @classmethod
    def set_up_gateway(cls):
        pair = cls.authority.issue("IP:127.0.0.1")
        cls.gateway = cls.start_with(f"{{cert: {pair.cert}, key: {pair.key}, "
                                     f"client_auth: require, client_ca: {cls.authority.ca}}}")

    def test_a_client_with_a_certificate_is_served(self):
        alice = self.authority.issue("URI:spiffe://shop.test/alice")
        answer = self.curl(self.gateway, "--cert", str(alice.cert), "--key", str(alice.key))
        self.assertEqual(answer.status, 200)

    def test_a_client_without_one_is_refused(self):
        self.assertEqual(self.curl(self.gateway).status, 0)

    def test_a_client_of_another_authority_is_refused(self):
        other = Authority()
        self.addCleanup(other.remove)
        mallory = other.issue("DNS:mallory.test")
        answer = self.curl(self.gateway, "--cert", str(mallory.cert), "--key", str(mallory.key))
        self.assertEqual(answer.status, 0)


class Identity(unittest.TestCase):
    """What an upstream gets to know of a client's certificate."""

    def setUp(self):
        self.authority = Authority()
        self.addCleanup(self.authority.remove)
        self.puppet = Puppet(lambda stream: stream.answer())
        self.addCleanup(self.puppet.stop)

    def told(self, client_cert: str) -> str | None:
        """The field that the upstream gets, for a client that has written one itself."""
        server, alice = self.authority.issue("IP:127.0.0.1"), self.authority.issue(
            "URI:spiffe://shop.test/alice", "DNS:alice.test", common_name="alice")
        config = self.authority.folder / "parley.yaml"
        port = free_port()
        config.write_text(
            f"listeners:\n  - address: 127.0.0.1:{port}\n"
            f"    tls: {{cert: {server.cert}, key: {server.key}, client_auth: request, "
            f"client_ca: {self.authority.ca}}}\nmetadata: {{client_cert: {client_cert}}}\n")
        gateway = gateway_for(self.puppet.address, flags=("--config", str(config)), port=port)
        self.addCleanup(gateway.stop)
        gateway.wait_ready()
        answer = curl("--cacert", str(self.authority.ca), "--cert", str(alice.cert),
                      "--key", str(alice.key), "-H", "X-Forwarded-Client-Cert: Hash=evil",
                      f"https://127.0.0.1:{port}/get/me")
        self.assertEqual(answer.status, 200, answer)
        return self.puppet.stream("me").head.get("x-forwarded-client-cert")

    def test_is_told_where_it_is_wanted(self):
        self.assertRegex(self.told("set"), r'^Hash=[0-9a-f]{64};Subject="CN=alice,O=Parley";'
                         r"URI=spiffe://shop\.test/alice;DNS=alice\.test$")

    def test_is_not_told_otherwise(self):
        self.assertIsNone(self.told("drop"))


class Reload(TlsCase):
    @classmethod
    def set_up_gateway(cls):
        cls.files = cls.authority.issue("IP:127.0.0.1")
        cls.gateway = cls.start("--threads", "2", "--log", "off", *cls.files.flags)

    def serial(self) -> str:
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        with socket.create_connection(("127.0.0.1", self.gateway.port), 10) as raw:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as stream:
                return stream.getpeercert()["serialNumber"]

    def replace(self, pair: Pair):
        """As certbot does: the new files take the place of the old ones."""
        for new, old in zip(pair, self.files):
            shutil.copy(new, f"{old}.new")
            Path(f"{old}.new").rename(old)

    def test_new_certificates_are_shown_and_no_connection_is_lost(self):
        stop, failures, served = threading.Event(), [], [0, 0]

        def load(lane: int):
            context = ssl.create_default_context(cafile=str(self.authority.ca))
            while not stop.is_set():
                try:
                    connection = http.client.HTTPSConnection("127.0.0.1", self.gateway.port,
                                                             timeout=10, context=context)
                    for _ in range(5):
                        connection.request("GET", USER)
                        answer = connection.getresponse()
                        answer.read()
                        assert answer.status == 200, answer.status
                        served[lane] += 1
                    connection.close()
                except Exception as error:  # whatever goes wrong is a failure of the gateway
                    failures.append(repr(error))

        lanes = [threading.Thread(target=load, args=(lane,)) for lane in range(2)]
        for lane in lanes:
            lane.start()
        try:
            for _ in range(3):
                before = self.serial()
                self.replace(self.authority.issue("IP:127.0.0.1"))
                wait_until(lambda last=before: self.serial() != last, "the new certificate")
        finally:
            stop.set()
            for lane in lanes:
                lane.join()
        self.assertEqual(failures, [])
        self.assertGreater(min(served), 10)

    def test_a_bad_file_is_told_and_the_old_one_stays(self):
        before = self.serial()
        good = self.files.cert.read_bytes()
        self.files.cert.write_text("no certificate")
        self.gateway.process.wait_for(rf"{self.files.cert} holds no certificate", 10)
        self.assertEqual(self.serial(), before)
        problem = f"problem: listener 127.0.0.1:{self.gateway.port}: {self.files.cert} holds no"
        self.assertIn(problem, self.readiness())
        refused = 'parley_reloads_total{result="refused"}'
        self.assertEqual(self.metric(self.gateway, refused), 1)
        self.files.cert.write_bytes(good)
        wait_until(lambda: "problem" not in self.readiness(), "the good file")
        self.assertEqual(self.metric(self.gateway, refused), 1)

    def readiness(self) -> str:
        return curl(f"{self.gateway.admin_url}/readyz").body.decode()


class Upstream(TlsCase):
    """A gateway before another one, which is the upstream with TLS."""

    @classmethod
    def set_up_gateway(cls):
        pair = cls.authority.issue("DNS:localhost", "IP:127.0.0.1")
        cls.open = cls.start(*pair.flags)
        cls.closed = cls.start_with(f"{{cert: {pair.cert}, key: {pair.key}, client_auth: require, "
                                    f"client_ca: {cls.authority.ca}}}")

    def gateway(self, behind: Gateway, tls: str, host: str = "localhost") -> Gateway:
        config = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(config.close)
        config.write(f"upstreams: {{users: {{endpoints: ['https://{host}:{behind.port}'], "
                     f"tls: {tls}}}}}\n")
        config.flush()
        gateway = Gateway("--config", config.name, ready=False)
        self.addCleanup(gateway.stop)
        return gateway

    def assert_refused(self, gateway: Gateway, why: str):
        def told() -> bool:
            answer = curl(f"{gateway.admin_url}/readyz")
            return answer.status == 503 and why in answer.body.decode()

        wait_until(told, f"{why!r} from /readyz")
        self.assertEqual(curl(f"{gateway.url}{USER}").status, 503)

    def test_is_called_when_it_is_who_it_should_be(self):
        for host, tls in (("localhost", f"{{ca: {self.authority.ca}}}"),
                          ("127.0.0.1", f"{{ca: {self.authority.ca}}}"),
                          ("127.0.0.1", "{verify: false}")):
            with self.subTest(host=host, tls=tls):
                gateway = self.gateway(self.open, tls, host)
                gateway.wait_ready()
                self.assertEqual(curl(f"{gateway.url}{USER}").status, 200)

    def test_of_another_authority_is_not_called(self):
        other = Authority()
        self.addCleanup(other.remove)
        self.assert_refused(self.gateway(self.open, f"{{ca: {other.ca}}}"), "not good")
        self.assert_refused(self.gateway(self.open, "{}"), "not good")

    def test_of_another_name_is_not_called(self):
        tls = f"{{ca: {self.authority.ca}, server_name: elsewhere.test}}"
        self.assert_refused(self.gateway(self.open, tls), "hostname mismatch")

    def test_gets_our_certificate_when_it_asks(self):
        self.assert_refused(self.gateway(self.closed, f"{{ca: {self.authority.ca}}}"), "")
        ours = self.authority.issue("DNS:gateway.test")
        tls = f"{{ca: {self.authority.ca}, cert: {ours.cert}, key: {ours.key}}}"
        gateway = self.gateway(self.closed, tls)
        gateway.wait_ready()
        self.assertEqual(curl(f"{gateway.url}{USER}").status, 200)


class Check(unittest.TestCase):
    def setUp(self):
        self.authority = Authority()
        self.addCleanup(self.authority.remove)

    def check(self, tls: str) -> str:
        config = self.authority.folder / "parley.yaml"
        config.write_text(f"listeners:\n  - address: 127.0.0.1:0\n    tls: {tls}\n"
                          "upstreams: {users: '127.0.0.1:1'}\n")
        command = [BUILD / "parley", "check", "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return done.stderr

    def test_says_where_a_file_is_wrong(self):
        one, two = self.authority.issue("DNS:a.test"), self.authority.issue("DNS:b.test")
        said = self.check(f"{{cert: {one.cert.name}, key: {two.key.name}}}")
        self.assertRegex(said, r"parley\.yaml:3:\d+: key: the key in .* does not belong to")
        said = self.check(f"{{cert: nowhere.pem, key: {two.key.name}}}")
        self.assertRegex(said, r"parley\.yaml:3:17: cert: cannot read .*nowhere\.pem: no such file")
        said = self.check(f"{{cert: {one.key.name}, key: {one.key.name}}}")
        self.assertRegex(said, r"parley\.yaml:3:17: cert: .* holds no certificate")

    def test_warns_of_an_expired_certificate(self):
        old = self.authority.issue("DNS:a.test", days=-1)
        said = self.check(f"{{cert: {old.cert.name}, key: {old.key.name}}}")
        self.assertRegex(said, r"parley\.yaml:3:17: warning: cert: .* expired on \d{4}-")


if __name__ == "__main__":
    unittest.main()
