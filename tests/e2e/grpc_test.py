"""The gRPC door: grpcio and grpcurl as clients, the shop and the tests' own upstream behind it."""

import base64
import gzip
import json
import struct
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import harness
import rpc
from harness import Gateway, Lines, curl, wait_until
from rpc import Client, Lab, grpc

shop: harness.Shop
gateway: Gateway
client: Client
lab: Lab
lab_gateway: Gateway
lab_client: Client


def setUpModule():
    global shop, gateway, client, lab, lab_gateway, lab_client
    shop, gateway = harness.demo()
    unittest.addModuleCleanup(shop.stop)
    unittest.addModuleCleanup(gateway.stop)
    client = Client(f"127.0.0.1:{gateway.port}", rpc.shop())
    unittest.addModuleCleanup(client.close)
    lab = Lab()
    unittest.addModuleCleanup(lab.stop)
    lab_gateway = Gateway("--upstream", lab.address)
    unittest.addModuleCleanup(lab_gateway.stop)
    lab_client = Client(f"127.0.0.1:{lab_gateway.port}", lab.contract)
    unittest.addModuleCleanup(lab_client.close)


class Kinds(unittest.TestCase):
    """The four kinds of methods, on the shop."""

    def test_unary(self):
        user = client.call("shop.v1.Users/GetUser", {"user_id": 7}).message
        self.assertEqual(user["user_id"], "7")
        self.assertEqual(user["email"], curl(f"{gateway.url}/v1/users/7").json["email"])

    def test_server_stream(self):
        reply = client.call("shop.v1.Catalogue/ExportProducts", {"category": "kitchen/knives"})
        self.assertEqual(reply.code, grpc.StatusCode.OK)
        self.assertGreater(len(reply.messages), 1)

    def test_client_stream(self):
        price = {"currency_code": "EUR", "units": "3"}
        row = {"name": "shops/harbour/items/x/y/row", "title": "Row", "price": price}
        rows = [{"product": {**row, "name": f"{row['name']}-{at}"}} for at in range(3)]
        reply = client.call("shop.v1.Catalogue/UploadProducts", rows)
        self.assertEqual(reply.message["created_count"], "3", reply)

    def test_both_sides_stream_and_take_turns(self):
        said = rpc.Turns()
        call = client.start("shop.v1.Support/SupportChat", said, timeout=20)
        said.say({"author": "me", "text": "hello"})
        self.assertTrue(rpc.as_dict(next(call))["text"])
        said.say({"author": "me", "about_order_id": "17"})
        self.assertEqual(rpc.as_dict(next(call))["order"]["order_id"], "17")
        said.end()
        self.assertGreaterEqual(len(list(call)), 1)  # goodbye
        self.assertEqual(call.code(), grpc.StatusCode.OK)

    def test_a_large_message_passes_both_ways(self):
        payload = bytes(range(256)) * (3 << 12)  # 3 MiB, more than any window
        request = {"text": "large", "payload": base64.b64encode(payload).decode()}
        reply = lab_client.call("lab.v1.Lab/Echo", request).message
        self.assertEqual(base64.b64decode(reply["payload"]), payload)

    def test_a_stream_of_thousands(self):
        reply = lab_client.call("lab.v1.Lab/Count", {"number": 5000})
        self.assertEqual([one.get("number", 0) for one in reply.messages], list(range(5000)))
        numbers = ({"number": one} for one in range(5000))
        self.assertEqual(lab_client.call("lab.v1.Lab/Sum", numbers).message["number"], 12497500)


class Metadata(unittest.TestCase):
    def echo(self, *metadata, **how) -> rpc.Reply:
        return lab_client.call("lab.v1.Lab/Echo", {"text": "x"}, metadata=metadata, **how)

    def test_all_metadata_passes_both_ways(self):
        reply = self.echo(("x-one", "1"), ("other", "2"), ("x-raw-bin", b"\x00\xff,"))
        seen = reply.message["metadata"]
        self.assertEqual((seen["x-one"], seen["other"], seen["x-raw-bin"]), ("1", "2", "AP8s"))
        self.assertEqual(reply.initial["x-initial-one"], "1")
        self.assertEqual(reply.initial["x-initial-raw-bin"], b"\x00\xff,")
        self.assertEqual(reply.trailing["x-trailing-one"], "1")
        self.assertEqual(reply.trailing["x-trailing-raw-bin"], b"\x00\xff,")

    def test_a_name_may_come_twice(self):
        seen = self.echo(("x-two", "a"), ("x-two", "b")).message["metadata"]
        self.assertEqual(seen["x-two"], "a, b")

    def test_the_upstream_learns_who_asks(self):
        seen = curl(f"{lab_gateway.url}/lab/echo/hi").json["metadata"]
        self.assertEqual(seen["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(seen["x-forwarded-proto"], "http")
        self.assertEqual(seen["x-forwarded-host"], f"127.0.0.1:{lab_gateway.port}")

    def test_metadata_over_the_limit_harms_this_call_alone(self):
        reply = self.echo(("x-large", "v" * 20_000))
        self.assertEqual(reply.code, grpc.StatusCode.RESOURCE_EXHAUSTED, reply)
        self.assertEqual(self.echo().code, grpc.StatusCode.OK)

    def test_the_rest_door_passes_what_it_should(self):
        headers = ["authorization: Bearer t", "x-tenant: acme", "cookie: c=1", "x-parley-who: me"]
        flags = [part for header in headers for part in ("-H", header)]
        answer = curl(*flags, f"{lab_gateway.url}/lab/echo/hi")
        seen = answer.json["metadata"]
        self.assertEqual((seen["authorization"], seen["x-tenant"]), ("Bearer t", "acme"))
        self.assertIn("curl/", seen["x-forwarded-user-agent"])
        self.assertNotIn("cookie", seen)
        self.assertNotIn("x-parley-who", seen)
        self.assertEqual(answer.headers["x-initial-tenant"], "acme")
        self.assertEqual(answer.headers["x-trailing-tenant"], "acme")

    def test_a_bad_binary_header_is_the_clients_mistake(self):
        answer = curl("-H", "x-raw-bin: not base64!", f"{lab_gateway.url}/lab/echo/hi")
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("x-raw-bin", answer.json["detail"])


class Failures(unittest.TestCase):
    def test_status_message_and_details_pass_as_they_are(self):
        reply = client.call("shop.v1.Users/CreateUser", {"user": {}})
        self.assertEqual(reply.code, grpc.StatusCode.INVALID_ARGUMENT)
        status = client.decode("google.rpc.Status", reply.trailing["grpc-status-details-bin"])
        self.assertEqual((status["code"], status["message"]), (3, reply.text))
        kinds = [one["@type"].rpartition(".")[2] for one in status["details"]]
        self.assertIn("BadRequest", kinds)

    def test_every_code_has_its_http_status(self):
        table = {
            1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409,
            11: 400, 12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
        }  # fmt: skip
        for number, status in table.items():
            with self.subTest(code=number):
                text = f"naïve 100% {number}"
                reply = lab_client.call("lab.v1.Lab/Fail", {"number": number, "text": text})
                self.assertEqual((reply.code.value[0], reply.text), (number, text))
                answer = curl(
                    "-G", "--data-urlencode", f"text={text}", f"{lab_gateway.url}/lab/fail/{number}"
                )
                self.assertEqual((answer.status, answer.json["detail"]), (status, text), answer)
                self.assertEqual(answer.json["code"], reply.code.name)

    def test_a_stream_that_fails_midway(self):
        reply = lab_client.call("lab.v1.Lab/Count", {"number": -3})
        self.assertEqual(len(reply.messages), 3)
        self.assertEqual((reply.code, reply.text), (grpc.StatusCode.DATA_LOSS, "the tape has torn"))
        answer = curl(f"{lab_gateway.url}/lab/count/-3")
        lines = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual((answer.status, len(lines)), (200, 4))
        self.assertEqual(lines[3]["error"]["code"], "DATA_LOSS")
        self.assertEqual(lines[3]["error"]["detail"], "the tape has torn")

    def test_an_unknown_method_is_unimplemented(self):
        other = rpc.Contract.from_text(other="""
            syntax = "proto3"; package lab.v1; message M {}
            service Lab { rpc Gone(M) returns (M); }
            service Lost { rpc Get(M) returns (M); }""")
        stranger = Client(f"127.0.0.1:{lab_gateway.port}", other)
        self.addCleanup(stranger.close)
        for path in ("lab.v1.Lab/Gone", "lab.v1.Lost/Get"):
            with self.subTest(path=path):
                reply = stranger.call(path, {})
                self.assertEqual(reply.code, grpc.StatusCode.UNIMPLEMENTED)

    def test_a_message_over_the_limit(self):
        request = {"payload": base64.b64encode(bytes(5 << 20)).decode()}
        reply = lab_client.call("lab.v1.Lab/Echo", request)
        self.assertEqual(reply.code, grpc.StatusCode.RESOURCE_EXHAUSTED, reply)


class Compression(unittest.TestCase):
    """By curl, which shows the frames as they are."""

    def frame(self, message: bytes, *flags: str) -> harness.Answer:
        with tempfile.NamedTemporaryFile() as body:
            Path(body.name).write_bytes(message)
            return curl(
                "--http2-prior-knowledge", "-H", "content-type: application/grpc",
                "-H", "te: trailers", *flags, "--data-binary", f"@{body.name}",
                f"{lab_gateway.url}/lab.v1.Lab/Echo",
            )  # fmt: skip

    def test_compressed_requests_reach_the_upstream(self):
        text = "compressed " * 1000
        request = {"text": text}
        reply = lab_client.call("lab.v1.Lab/Echo", request, compression=grpc.Compression.Gzip)
        self.assertEqual(reply.message["text"], text)

    def test_frames_keep_their_flag_and_bytes(self):
        message = lab.contract.message("lab.v1.Sample")(text="flag " * 500).SerializeToString()
        packed = gzip.compress(message)
        flags = ["-H", "grpc-encoding: gzip", "-H", "grpc-accept-encoding: gzip"]
        body = b"\x01" + struct.pack(">I", len(packed)) + packed
        answer = self.frame(body, *flags, "-H", "x-answer: gzip")
        self.assertEqual(answer.headers["grpc-status"], "0", answer)
        self.assertEqual(answer.headers["grpc-encoding"], "gzip")
        self.assertEqual(answer.body[0], 1)
        self.assertIn(b"flag flag", gzip.decompress(answer.body[5:]))

    def test_compressed_answers_reach_rest_clients_as_json(self):
        answer = curl("-H", "x-answer: gzip", f"{lab_gateway.url}/lab/echo/{'z' * 2000}")
        self.assertEqual(answer.json["text"], "z" * 2000)


class Deadlines(unittest.TestCase):
    def test_the_upstream_gets_what_remains(self):
        reply = lab_client.call("lab.v1.Lab/Echo", {}, timeout=7).message
        self.assert_left(reply["seconds_left"], 7)

    def assert_left(self, seconds: float, most: float):
        """grpcio counts in steps of 10 ms, rounded up."""
        self.assertTrue(most - 2 < seconds < most + 0.05, f"{seconds} of {most} s")

    def test_unary_calls_have_a_default_and_streams_have_none(self):
        left = curl(f"{lab_gateway.url}/lab/echo/x").json["secondsLeft"]
        self.assert_left(left, 60)
        watch = Lines(f"{lab_gateway.url}/lab/linger/forever")
        self.addCleanup(watch.stop)
        watch.next()
        self.assertGreater(lab.call_of("forever").seconds_left or 1e9, 1e6)

    def test_a_rest_client_names_its_own(self):
        for value, most in (("2.5", 2.5), ("1500ms", 1.5)):
            with self.subTest(value=value):
                header = f"x-request-timeout: {value}"
                left = curl("-H", header, f"{lab_gateway.url}/lab/echo/x").json["secondsLeft"]
                self.assert_left(left, most)

    def test_expiry_ends_the_call_on_both_sides(self):
        reply = lab_client.call("lab.v1.Lab/Hang", {"text": "late-1"}, timeout=0.2)
        self.assertEqual(reply.code, grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(lab.call_of("late-1").ended.wait(5))
        answer = curl("-H", "x-request-timeout: 200ms", f"{lab_gateway.url}/lab/hang/late-2")
        self.assertEqual((answer.status, answer.json["code"]), (504, "DEADLINE_EXCEEDED"), answer)
        self.assertTrue(lab.call_of("late-2").ended.wait(5))

    def test_a_bad_timeout_is_the_clients_mistake(self):
        for value, status in (("soon", 400), ("-1", 400), ("0", 504)):
            with self.subTest(value=value):
                header = f"x-request-timeout: {value}"
                answer = curl("-H", header, f"{lab_gateway.url}/lab/echo/x")
                self.assertEqual(answer.status, status, answer)


class Cancellation(unittest.TestCase):
    """A client that goes away is seen at the upstream at once."""

    def test_of_a_unary_grpc_call(self):
        call = lab_client.start("lab.v1.Lab/Hang", {"text": "gone-1"}, timeout=20)
        seen = lab.call_of("gone-1")
        self.assertFalse(seen.ended.is_set())
        call.cancel()
        self.assertTrue(seen.ended.wait(5))

    def test_of_a_grpc_stream(self):
        call = lab_client.start("lab.v1.Lab/Linger", {"text": "gone-2"}, timeout=20)
        self.assertEqual(next(call).text, "gone-2")
        call.cancel()
        self.assertTrue(lab.call_of("gone-2").ended.wait(5))

    def test_of_rest_in_both_versions(self):
        for version in ("--http1.1", "--http2-prior-knowledge"):
            for path in ("hang", "linger"):
                with self.subTest(version=version, path=path):
                    text = f"gone{version}-{path}"
                    running = Lines(version, f"{lab_gateway.url}/lab/{path}/{text}")
                    seen = lab.call_of(text)
                    self.assertFalse(seen.ended.is_set())
                    running.stop()
                    self.assertTrue(seen.ended.wait(5))


class Health(unittest.TestCase):
    """What Parley answers for its upstreams, each service as its upstream is."""

    @classmethod
    def setUpClass(cls):
        cls.upstream = Lab()
        cls.gateway = Gateway("--upstream", f"lab={cls.upstream.address}")
        cls.addClassCleanup(cls.gateway.stop)
        cls.client = Client(f"127.0.0.1:{cls.gateway.port}", rpc.own_contract())
        cls.addClassCleanup(cls.client.close)

    def check(self, service: str) -> str:
        reply = self.client.call("grpc.health.v1.Health/Check", {"service": service})
        return reply.message.get("status") if reply.code is grpc.StatusCode.OK else reply.code.name

    def test_check_and_watch_follow_the_upstream(self):
        self.assertEqual(self.check(""), "SERVING")
        wait_until(lambda: self.check("lab.v1.Lab") == "SERVING", "the lab to be served")
        self.assertEqual(self.check("lab.v1.None"), "NOT_FOUND")
        watch = self.client.start(
            "grpc.health.v1.Health/Watch", {"service": "lab.v1.Lab"}, timeout=30
        )
        states = (rpc.as_dict(one)["status"] for one in watch)
        self.assertEqual(next(states), "SERVING")
        address = self.upstream.address
        self.upstream.stop()
        self.assertEqual(next(states), "NOT_SERVING")
        self.assertEqual(self.check("lab.v1.Lab"), "NOT_SERVING")
        self.assertEqual(self.check(""), "SERVING")
        type(self).upstream = Lab(address=address)
        self.addClassCleanup(self.upstream.stop)
        self.assertEqual(next(states), "SERVING")
        watch.cancel()


class Reflection(unittest.TestCase):
    """grpcurl without any .proto file."""

    def grpcurl(self, *arguments: str) -> str:
        command = [harness.tool("grpcurl"), "-plaintext", "-max-time", "20", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    @property
    def address(self) -> str:
        return f"127.0.0.1:{gateway.port}"

    def test_list_has_the_services_of_all_upstreams_and_our_own(self):
        services = self.grpcurl(self.address, "list").split()
        for name in ("Users", "Catalogue", "Orders", "Support"):
            self.assertIn(f"shop.v1.{name}", services)
        self.assertIn("grpc.health.v1.Health", services)
        self.assertIn("grpc.reflection.v1.ServerReflection", services)

    def test_describe_shows_messages_with_their_options(self):
        text = self.grpcurl(self.address, "describe", "shop.v1.Users.UpdateUser")
        self.assertIn("/v1/users/{user.user_id}", text)
        text = self.grpcurl(self.address, "describe", "shop.v1.User")
        self.assertIn("map<string, string> labels", text)

    def test_call(self):
        out = self.grpcurl("-d", '{"user_id": 7}', self.address, "shop.v1.Users/GetUser")
        self.assertEqual(json.loads(out)["user_id"], "7")

    def test_health_can_be_called_without_its_proto(self):
        question = ["-d", '{"service": "shop.v1.Users"}', self.address]
        out = self.grpcurl(*question, "grpc.health.v1.Health/Check")
        self.assertEqual(json.loads(out)["status"], "SERVING")

    def test_both_versions_answer(self):
        reflected = Client(self.address, rpc.own_contract())
        self.addCleanup(reflected.close)
        for version in ("v1", "v1alpha"):
            with self.subTest(version=version):
                path = f"grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
                questions = [
                    {"list_services": "*"},
                    {"file_containing_symbol": "shop.v1.Users"},
                    {"file_by_filename": "google/api/http.proto"},
                    {"file_containing_symbol": "shop.v1.Nobody"},
                ]
                listed, users, http, nobody = reflected.call(path, questions).messages
                names = [one["name"] for one in listed["list_services_response"]["service"]]
                self.assertIn("shop.v1.Users", names)
                self.assertTrue(users["file_descriptor_response"]["file_descriptor_proto"])
                self.assertTrue(http["file_descriptor_response"]["file_descriptor_proto"])
                self.assertEqual(nobody["error_response"]["error_code"], 5)


class Sharing(unittest.TestCase):
    def test_hundreds_of_calls_share_a_connection(self):
        wrong = []

        def call(at: int):
            for step in range(10):
                text = f"{at}-{step}"
                reply = lab_client.call("lab.v1.Lab/Echo", {"text": text})
                if reply.code is not grpc.StatusCode.OK or reply.message["text"] != text:
                    wrong.append(reply)

        threads = [threading.Thread(target=call, args=[at]) for at in range(20)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
