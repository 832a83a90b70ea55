"""`parley serve` from its start to its end: where contracts come from, what keeps it from serving,
what it exposes, where it listens, how it stops."""

import json
import os
import signal
import socket
import tempfile
import unittest
from pathlib import Path

import harness
import rpc
from harness import Gateway, Lines, Process, curl, wait_until
from rpc import Client, Lab, grpc

lab: Lab


def setUpModule():
    global lab
    lab = Lab()
    unittest.addModuleCleanup(lab.stop)


class StartCase(unittest.TestCase):
    def gateway(self, *flags: str, ready: bool = True) -> Gateway:
        started = Gateway(*flags, ready=ready)
        self.addCleanup(started.stop)
        return started

    def lab(self, name: str = "lab", **how) -> Lab:
        started = Lab(name, **how)
        self.addCleanup(started.stop)
        return started

    def folder(self) -> Path:
        made = tempfile.TemporaryDirectory(prefix="parley-")
        self.addCleanup(made.cleanup)
        return Path(made.name)

    def refused(self, *flags: str) -> str:
        """What a gateway prints that must not start: it exits with 1, and soon."""
        process = Process(harness.BUILD / "parley", "serve", "--admin", "off", *flags)
        self.addCleanup(process.stop)
        self.assertEqual(process.wait(20), 1, process.output)
        return process.output

    def assert_echoes(self, gateway: Gateway, upstream: str = "lab"):
        answer = curl(f"{gateway.url}/lab/echo/hi")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["text"], answer.json["upstream"]), ("hi", upstream))

    def readyz(self, gateway: Gateway) -> str:
        return curl(f"{gateway.admin_url}/readyz").body.decode()


class Contracts(StartCase):
    """Where the contract comes from."""

    def test_reflection_of_either_version(self):
        for version in ("v1", "v1alpha"):
            with self.subTest(version=version):
                upstream = self.lab(reflection=(version,))
                self.assert_echoes(self.gateway("--upstream", upstream.address))

    def test_no_reflection_says_what_to_do(self):
        mute = self.lab(reflection=())
        gateway = self.gateway("--upstream", f"mute={mute.address}", ready=False)
        gateway.process.wait_for("--descriptor-set")
        ready = curl(f"{gateway.admin_url}/readyz")
        self.assertEqual(ready.status, 503)
        answer = curl(f"{gateway.url}/lab/echo/hi")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("retry-after", answer.headers)
        for text in (gateway.process.output, ready.body.decode(), answer.json["detail"]):
            for word in ("mute", "reflection", "--proto", "--descriptor-set"):
                self.assertIn(word, text)

    def test_proto_files_with_an_include_folder(self):
        mute = self.lab(reflection=())
        gateway = self.gateway("--upstream", mute.address, "--proto", "lab.proto",
                               "-I", str(rpc.TESTDATA))  # fmt: skip
        self.assert_echoes(gateway)

    def test_a_descriptor_set(self):
        mute = self.lab(reflection=())
        path = self.folder() / "lab.binpb"
        path.write_bytes(rpc.descriptor_set(rpc.TESTDATA, "lab.proto"))
        gateway = self.gateway("--upstream", mute.address, "--descriptor-set", str(path))
        self.assert_echoes(gateway)

    def test_editions(self):
        for edition in ("2023", "2024"):
            with self.subTest(edition=edition):
                self.serve_edition(edition)

    def serve_edition(self, edition: str):
        """Presence, delimited encoding and closed enums are as the edition's features say."""
        contract = rpc.Contract.from_text(modern=f"""
            edition = "{edition}";
            package modern.v1;
            import "google/api/annotations.proto";
            service Modern {{
              rpc Echo(Note) returns (Note) {{
                option (google.api.http) = {{post: "/modern" body: "*"}};
              }}
            }}
            message Note {{
              int32 explicit = 1;
              int32 implicit = 2 [features.field_presence = IMPLICIT];
              repeated int32 packed = 3;
              repeated int32 expanded = 4 [features.repeated_field_encoding = EXPANDED];
              Note inner = 5 [features.message_encoding = DELIMITED];
            }}""")
        upstream = rpc.Upstream(contract, {"Echo": lambda request, _: request})
        self.addCleanup(upstream.stop)
        gateway = self.gateway("--upstream", upstream.address)
        note = {"explicit": 0, "packed": [1, 2], "expanded": [3], "inner": {"implicit": 5}}
        answer = curl("--json", json.dumps(note), f"{gateway.url}/modern")
        inner = {"implicit": 5, "packed": [], "expanded": []}
        self.assertEqual(answer.json, {**note, "implicit": 0, "inner": inner}, answer)

    def test_a_broken_contract_is_refused_with_its_place(self):
        folder = self.folder()
        (folder / "bad.proto").write_text('syntax = "proto3";\nmessage M { Missing m = 1; }\n')
        output = self.refused("--upstream", lab.address, "--proto", str(folder / "bad.proto"),
                              "--listen", "127.0.0.1:0")  # fmt: skip
        self.assertRegex(output, r"bad\.proto:2:\d+: .*Missing")


class Conflicts(StartCase):
    """The same service, or the same route, of two upstreams."""

    OTHER = """
        syntax = "proto3"; package other.v1; import "google/api/annotations.proto";
        service Other { rpc Get(M) returns (M) { option (google.api.http) = {get: "%s"}; } }
        message M { string text = 1; }"""

    def other(self, route: str, **how) -> rpc.Upstream:
        contract = rpc.Contract.from_text(other=self.OTHER % route)
        upstream = rpc.Upstream(contract, {"Get": lambda request, _: request}, **how)
        self.addCleanup(upstream.stop)
        return upstream

    def test_the_same_service_at_the_start_is_refused(self):
        twin = self.lab("twin")
        output = self.refused("--upstream", f"one={lab.address}", "--upstream",
                              f"two={twin.address}", "--listen", "127.0.0.1:0")  # fmt: skip
        for word in ("lab.v1.Lab", "one", "two"):
            self.assertIn(word, output)
        self.assertEqual(output.count("lab.v1.Lab is exposed"), 1, output)

    def test_the_same_route_at_the_start_is_refused(self):
        other = self.other("/lab/echo/{text}")
        output = self.refused("--upstream", f"one={lab.address}", "--upstream",
                              f"two={other.address}", "--listen", "127.0.0.1:0")  # fmt: skip
        for word in ("lab.v1.Lab.Echo", "other.v1.Other.Get", "/lab/echo/{text}"):
            self.assertIn(word, output)

    def test_later_the_old_snapshot_stays_and_readyz_says_why(self):
        other = self.other("/other")
        gateway = self.gateway("--upstream", f"one={lab.address}", "--upstream",
                               f"two={other.address}")  # fmt: skip
        self.assertEqual(curl(f"{gateway.url}/other?text=a").json, {"text": "a"})
        other.stop()
        clash = self.other("/lab/echo/{text}", address=other.address)
        wait_until(lambda: "lab.v1.Lab.Echo" in self.readyz(gateway), "the reason in /readyz")
        self.assertEqual(curl(f"{gateway.url}/other?text=b").json, {"text": "b"})
        self.assert_echoes(gateway)
        # A contract that fits again is taken.
        clash.stop()
        self.other("/again", address=other.address)
        wait_until(lambda: curl(f"{gateway.url}/again").status == 200, "the new route")
        self.assertEqual(curl(f"{gateway.url}/other").status, 404)
        self.assertNotIn("lab.v1.Lab.Echo", self.readyz(gateway))


class Absent(StartCase):
    def test_an_upstream_that_is_down_at_the_start_is_served_as_soon_as_it_is_there(self):
        address = f"127.0.0.1:{harness.free_port()}"
        gateway = self.gateway("--upstream", f"late={address}", ready=False)
        gateway.process.wait_for("late")
        answer = wait_until(lambda: (now := curl(f"{gateway.url}/lab/echo/hi")).status and now,
                            "an answer")  # fmt: skip
        self.assertEqual((answer.status, answer.json["code"]), (503, "UNAVAILABLE"), answer)
        self.assertIn("late", answer.json["detail"])
        self.assertIn("retry-after", answer.headers)
        wait_until(lambda: "refused" in self.readyz(gateway), "the reason in /readyz")
        self.lab("late", address=address)
        wait_until(lambda: curl(f"{gateway.url}/lab/echo/hi").status == 200, "the lab's answer")
        gateway.wait_ready()
        self.assert_echoes(gateway, "late")

    def test_others_are_served_meanwhile(self):
        gone = f"127.0.0.1:{harness.free_port()}"
        flags = ["--upstream", f"here={lab.address}", "--upstream", f"gone={gone}"]
        gateway = self.gateway(*flags, ready=False)
        wait_until(lambda: curl(f"{gateway.url}/lab/echo/hi").status == 200, "the lab's answer")
        self.assertEqual(curl(f"{gateway.url}/nowhere").status, 503)
        ready = curl(f"{gateway.admin_url}/readyz")
        self.assertEqual(ready.status, 503)
        self.assertIn("gone", ready.body.decode())

    def test_a_taken_port_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            output = self.refused("--upstream", lab.address, "--listen", f"127.0.0.1:{port}")
        self.assertIn(f"127.0.0.1:{port}", output)
        self.assertIn("use", output)


class Exposure(StartCase):
    """Nothing is exposed by accident, through either door."""

    def grpc_code(self, gateway: Gateway, method: str) -> grpc.StatusCode:
        client = Client(f"127.0.0.1:{gateway.port}", lab.contract)
        self.addCleanup(client.close)
        return client.call(f"lab.v1.Lab/{method}", {"text": "x"}).code

    def reflected(self, gateway: Gateway) -> list[str]:
        client = Client(f"127.0.0.1:{gateway.port}", rpc.own_contract())
        self.addCleanup(client.close)
        path = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        listed = client.call(path, [{"list_services": "*"}]).message["list_services_response"]
        return [one["name"] for one in listed.get("service", [])]

    def test_annotated_leaves_out_what_has_no_rule(self):
        gateway = self.gateway("--upstream", lab.address, "--expose", "annotated")
        self.assert_echoes(gateway)
        self.assertEqual(self.grpc_code(gateway, "Echo"), grpc.StatusCode.OK)
        self.assertEqual(self.grpc_code(gateway, "Hidden"), grpc.StatusCode.UNIMPLEMENTED)
        hidden = curl("--json", "{}", f"{gateway.url}/lab.v1.Lab/Hidden")
        self.assertEqual(hidden.status, 404, hidden)

    def test_selectors_name_what_is_served(self):
        gateway = self.gateway("--upstream", lab.address, "--expose", "lab.v1.Lab.Hidden")
        self.assertEqual(curl(f"{gateway.url}/lab/echo/hi").status, 404)
        self.assertEqual(self.grpc_code(gateway, "Echo"), grpc.StatusCode.UNIMPLEMENTED)
        self.assertEqual(self.grpc_code(gateway, "Hidden"), grpc.StatusCode.OK)
        self.assertIn("lab.v1.Lab", self.reflected(gateway))

    def test_of_two_upstreams_each_has_its_own(self):
        twin = self.lab("twin")
        gateway = self.gateway("--upstream", f"one={lab.address}", "--upstream",
                               f"two={twin.address}", "--expose", "one=none.v1.*",
                               "--expose", "two=all")  # fmt: skip
        self.assert_echoes(gateway, "twin")

    def test_a_listener_beyond_loopback_needs_the_flag(self):
        output = self.refused("--upstream", lab.address, "--listen", "0.0.0.0:0")
        self.assertIn("beyond loopback", output)
        self.assertEqual(output.count("--expose all"), 1, output)
        both = ["--listen", f"0.0.0.0:{harness.free_port()}", "--expose", "all"]
        self.assert_echoes(self.gateway("--upstream", lab.address, *both))

    def test_services_for_operating_an_upstream_are_never_forwarded(self):
        gateway = self.gateway("--upstream", lab.address, "--expose", "all")
        before = len(lab.seen)
        answer = curl("--json", "{}", f"{gateway.url}/grpc.reflection.v1.ServerReflection/X")
        self.assertEqual(answer.status, 404)
        self.assertEqual(len(lab.seen), before)


class Addresses(StartCase):
    def test_unix_sockets_on_both_sides(self):
        folder = self.folder()
        inner, outer = f"unix:{folder}/lab.sock", f"unix:{folder}/parley.sock"
        self.lab("inner", address=inner)
        gateway = self.gateway("--upstream", inner, "--listen", outer)
        answer = curl("--unix-socket", f"{folder}/parley.sock", "http://any.example/lab/echo/hi")
        self.assertEqual(answer.json["upstream"], "inner", answer)
        client = Client(outer, lab.contract)
        self.addCleanup(client.close)
        reply = client.call("lab.v1.Lab/Echo", {"text": "hi"})
        self.assertEqual(reply.message["upstream"], "inner")
        self.assert_echoes(gateway, "inner")

    def test_a_socket_that_a_dead_gateway_left_is_taken_over(self):
        path = self.folder() / "parley.sock"
        first = self.gateway("--upstream", lab.address, "--listen", f"unix:{path}")
        first.process.signal(signal.SIGKILL)
        first.process.wait()
        self.gateway("--upstream", lab.address, "--listen", f"unix:{path}")
        answer = curl("--unix-socket", str(path), "http://any.example/lab/echo/hi")
        self.assertEqual(answer.status, 200, answer)

    def test_endpoints_of_one_upstream_take_turns(self):
        pair = [self.lab(name) for name in ("left", "right")]
        gateway = self.gateway("--upstream", ",".join(one.address for one in pair))
        url = f"{gateway.url}/lab/echo/hi"
        wait_until(
            lambda: {curl(url).json["upstream"] for _ in range(4)} == {"left", "right"},
            "both to answer",
        )
        pair[0].stop()
        for _ in range(6):
            self.assert_echoes(gateway, "right")

    def test_localhost_is_tried_in_both_families(self):
        for host in ("127.0.0.1", "[::1]"):
            with self.subTest(host=host):
                upstream = self.lab(host, address=f"{host}:0")
                port = upstream.address.rpartition(":")[2]
                gateway = self.gateway("--upstream", f"localhost:{port}")
                self.assert_echoes(gateway, host)

    def test_several_listeners_serve_the_same(self):
        ports = [harness.free_port() for _ in range(2)]
        flags = [part for port in ports for part in ("--listen", f"127.0.0.1:{port}")]
        gateway = self.gateway("--upstream", lab.address, *flags)
        for port in (gateway.port, *ports):
            self.assertEqual(curl(f"http://127.0.0.1:{port}/lab/echo/hi").status, 200)
            self.assertIn(f"ready: http://127.0.0.1:{port}", gateway.process.output)


class Stopping(StartCase):
    def test_sigterm_ends_it_cleanly(self):
        gateway = self.gateway("--upstream", lab.address)
        self.assert_echoes(gateway)
        self.assertEqual(gateway.stop(), 0)

    def test_what_runs_is_finished_first(self):
        gateway = self.gateway("--upstream", lab.address)
        client = Client(f"127.0.0.1:{gateway.port}", lab.contract)
        self.addCleanup(client.close)
        said = rpc.Turns()
        chat = client.start("lab.v1.Lab/Chat", said, timeout=20)
        said.say({"text": "before"})
        self.assertEqual(next(chat).text, "before")
        gateway.process.signal(signal.SIGTERM)
        wait_until(lambda: curl(f"{gateway.url}/lab/echo/hi").status == 0, "the port to close")
        said.say({"text": "after"})
        self.assertEqual(next(chat).text, "after")
        said.end()
        self.assertEqual(list(chat), [])
        self.assertEqual(chat.code(), grpc.StatusCode.OK)
        self.assertEqual(gateway.process.wait(), 0)

    def test_two_threads_share_the_work(self):
        gateway = self.gateway("--upstream", lab.address, "--threads", "2")
        tasks = Path(f"/proc/{gateway.process.pid}/task")
        self.assertGreaterEqual(len(os.listdir(tasks)), 3)  # and the one that controls them
        watches = [Lines(f"{gateway.url}/lab/linger/{at}") for at in range(16)]
        for at, watch in enumerate(watches):
            self.addCleanup(watch.stop)
            self.assertIn(f'"{at}"', watch.next())
        for watch in watches:
            watch.stop()
        self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
    unittest.main()
