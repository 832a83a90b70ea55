"""What Parley tells its operators: health, readiness, metrics, the access log."""

import json
import re
import signal
import unittest

import harness
from harness import Gateway, Lines, curl, wait_until
from rpc import Client, Lab

lab: Lab
gateway: Gateway


def setUpModule():
    global lab, gateway
    lab = Lab()
    unittest.addModuleCleanup(lab.stop)
    gateway = Gateway("--upstream", f"lab={lab.address}")
    unittest.addModuleCleanup(gateway.stop)


class Admin(unittest.TestCase):
    def admin(self, path: str, *arguments: str) -> harness.Answer:
        return curl(*arguments, gateway.admin_url + path)

    def test_healthz_says_that_the_process_lives(self):
        answer = self.admin("/healthz")
        self.assertEqual((answer.status, answer.body), (200, b"ok\n"))
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))

    def test_readyz_has_a_line_for_each_upstream(self):
        answer = self.admin("/readyz")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.body.decode().splitlines(), ["ready", "lab: ready, 8 methods"])

    def test_only_names_of_this_machine_are_answered(self):
        port = gateway.admin_port
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost", f"[::1]:{port}"):
            with self.subTest(host=host):
                self.assertEqual(self.admin("/readyz", "-H", f"host: {host}").status, 200)
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example"):
            with self.subTest(host=host):
                answer = self.admin("/readyz", "-H", f"host: {host}")
                self.assertEqual(answer.status, 403, answer)
                self.assertIn("evil.example", answer.json["detail"])

    def test_the_api_and_the_admin_do_not_serve_each_others_paths(self):
        self.assertEqual(self.admin("/lab/echo/hi").status, 404)
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(curl(gateway.url + path).status, 404)

    def test_the_admin_may_be_off(self):
        quiet = Gateway("--upstream", lab.address, admin=False, ready=False)
        self.addCleanup(quiet.stop)
        quiet.process.wait_for(r"^ready: ")
        self.assertEqual(curl(f"{quiet.url}/lab/echo/hi").status, 200)
        self.assertEqual(curl(f"{quiet.admin_url}/healthz").status, 0)


class Metrics(unittest.TestCase):
    def metrics(self) -> dict[str, float]:
        """Each series with its labels, and its value; the format itself is checked as well."""
        answer = curl(f"{gateway.admin_url}/metrics")
        self.assertEqual(answer.headers["content-type"].partition(";")[0], "text/plain")
        values, typed = {}, set()
        for line in answer.body.decode().splitlines():
            if described := re.fullmatch(r"# (HELP|TYPE) (\w+) .+", line):
                typed.add(described[2])
                continue
            sample = re.fullmatch(r'(\w+)(\{(?:\w+="[^"\n]*",?)*\})? (\S+)', line)
            self.assertTrue(sample, line)
            family = re.sub(r"_(bucket|sum|count)$", "", sample[1])
            self.assertTrue({family, sample[1]} & typed, line)
            values[sample[1] + (sample[2] or "")] = float(sample[3])
        return values

    def test_the_reference_has_each_metric_and_no_other(self):
        page = (harness.ROOT / "docs/reference/observability.md").read_text(encoding="utf-8")
        listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE))
        metrics = curl(f"{gateway.admin_url}/metrics").body.decode()
        self.assertEqual(listed, dict(re.findall(r"# TYPE (\w+) (\w+)", metrics)))

    def test_requests_are_counted_by_method_protocol_and_status(self):
        url = gateway.url
        series = {
            ("lab.v1.Lab.Echo", "rest", 200, "OK"): lambda: curl(url + "/lab/echo/hi"),
            ("lab.v1.Lab.Fail", "rest", 404, "NOT_FOUND"): lambda: curl(url + "/lab/fail/5"),
            ("lab.v1.Lab.Echo", "grpc", 200, "OK"): self.echo_by_grpc,
            ("", "rest", 404, "NOT_FOUND"): lambda: curl(url + "/any"),
        }
        for (method, protocol, status, code), call in series.items():
            with self.subTest(method=method, protocol=protocol):
                labels = f'method="{method}",protocol="{protocol}"'
                name = f'parley_requests_total{{{labels},status="{status}",code="{code}"}}'
                before = self.metrics()
                call()
                wait_until(
                    lambda: self.metrics().get(name) == before.get(name, 0) + 1, f"one more {name}"
                )
                after = self.metrics()
                counted = f"parley_request_duration_seconds_count{{{labels}}}"
                self.assertGreater(after[counted], before.get(counted, 0))
                least = f'parley_request_duration_seconds_bucket{{{labels},le="+Inf"}}'
                self.assertEqual(after[least], after[counted])

    def echo_by_grpc(self):
        client = Client(f"127.0.0.1:{gateway.port}", lab.contract)
        self.addCleanup(client.close)
        client.call("lab.v1.Lab/Echo", {}).message

    def test_names_that_clients_make_up_are_no_labels(self):
        curl(f"{gateway.url}/made/up")
        curl("-X", "MADEUP", f"{gateway.url}/lab/echo/hi")
        self.assertNotRegex(" ".join(self.metrics()), "(?i)made")

    def test_upstream_connections_and_streams_are_gauges(self):
        watch = Lines(f"{gateway.url}/lab/linger/counted")
        self.addCleanup(watch.stop)
        watch.next()
        labels = '{upstream="lab"}'
        wait_until(
            lambda: self.metrics().get(f"parley_upstream_streams{labels}", 0) >= 1,
            "an open stream to be counted",
        )
        self.assertGreaterEqual(self.metrics()[f"parley_upstream_connections{labels}"], 1)

    def test_a_limit_that_was_hit_is_counted_by_its_name(self):
        def hits() -> float:
            name = 'parley_limits_hit_total{limit="upstreams.lab.metadata_bytes_max"}'
            return self.metrics().get(name, 0)

        before = hits()
        # More than grpcio takes.
        curl("-H", f"x-large: {'a' * 20_000}", f"{gateway.url}/lab/echo/hi")
        wait_until(lambda: hits() == before + 1, "the limit to be counted")

    def test_the_process_and_its_build_are_there(self):
        values = self.metrics()
        for name in ("process_cpu_seconds_total", "process_resident_memory_bytes"):
            self.assertGreater(values[name], 0)
        self.assertTrue(any(name.startswith("parley_build_info{version=") for name in values))


class AccessLog(unittest.TestCase):
    REQUESTS = (
        (["-H", "x-request-id: r-ok"], "/lab/echo/hi?number=5", 200),
        (["-H", "x-request-id: r-fail"], "/lab/fail/5?text=lost", 404),
        (["-H", "x-request-id: r-json", "--json", '{"text": 5}'], "/lab/echo", 400),
        (["-H", "x-request-id: r-none"], "/nowhere%0Ax", 404),
    )

    def lines(self, log: str) -> list[str]:
        """What the log has of the four requests, in their order."""
        started = Gateway("--upstream", f"lab={lab.address}", "--log", log)
        self.addCleanup(started.stop)
        for flags, path, status in self.REQUESTS:
            self.assertEqual(curl(*flags, started.url + path).status, status)
        self.assertEqual(curl(f"{started.url}/lab/echo/x", "-H", "x-request-id: r-no").status, 200)
        self.assertEqual(self.finished(started), 0)
        found = started.process.output.splitlines()
        ids = ("r-ok", "r-fail", "r-json", "r-none")
        return [line for one in ids for line in found if re.search(rf"\b{one}\b", line)]

    def finished(self, started: Gateway) -> int:
        started.process.signal(signal.SIGTERM)
        return started.process.wait()

    def test_text_is_a_line_a_request(self):
        ok, fail, broken, none = self.lines("text")
        self.assertRegex(ok, r"^\d{4}-\d\d-\d\dT[\d:.]+Z 127\.0\.0\.1 +GET +200 OK +[\d.]+[mu]s ")
        self.assertIn(f"/lab/echo/hi lab.v1.Lab.Echo {lab.address} r-ok", ok)
        self.assertRegex(fail, r"GET +404 NOT_FOUND .*lab\.v1\.Lab\.Fail")
        self.assertRegex(broken, r"POST +400 INVALID_ARGUMENT .*line 1, column 10")
        self.assertRegex(none, r"GET +404 NOT_FOUND .* /nowhere%0Ax - - r-none")

    def test_json_has_the_same_for_machines(self):
        ok, fail, broken, none = map(json.loads, self.lines("json"))
        self.assertEqual(
            {name: ok[name] for name in ("client", "http", "verb", "path", "protocol", "method")},
            {"client": "127.0.0.1", "http": "HTTP/1.1", "verb": "GET", "path": "/lab/echo/hi",
             "protocol": "rest", "method": "lab.v1.Lab.Echo"},
        )  # fmt: skip
        self.assertEqual((ok["status"], ok["code"], ok["request_bytes"]), (200, "OK", 0))
        self.assertEqual((ok["endpoint"], ok["request_id"]), (lab.address, "r-ok"))
        self.assertEqual(ok["route"], "/lab/echo/{text}")
        self.assertGreater(ok["response_bytes"], 50)
        self.assertGreater(ok["duration_ms"], 0)
        self.assertRegex(ok["time"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.assertEqual((fail["status"], fail["code"]), (404, "NOT_FOUND"))
        self.assertEqual(broken["request_bytes"], 11)
        self.assertNotIn("endpoint", broken)
        self.assertNotIn("method", none)

    def test_queries_are_in_no_log(self):
        for log in ("text", "json"):
            text = "\n".join(self.lines(log))
            self.assertNotIn("number=5", text)
            self.assertNotIn("text=lost", text)

    def test_off_is_silent(self):
        self.assertEqual(self.lines("off"), [])

    def test_a_grpc_call_has_its_line(self):
        started = Gateway("--upstream", f"lab={lab.address}", "--log", "json")
        self.addCleanup(started.stop)
        client = Client(f"127.0.0.1:{started.port}", lab.contract)
        self.addCleanup(client.close)
        client.call("lab.v1.Lab/Fail", {"number": 9}, metadata=[("x-request-id", "r-grpc")])
        line = json.loads(started.process.wait_for(r"^.*r-grpc.*$")[0])
        self.assertEqual((line["protocol"], line["http"]), ("grpc", "HTTP/2"))
        self.assertEqual((line["status"], line["code"]), (200, "FAILED_PRECONDITION"))

    def test_a_client_that_went_away_is_logged(self):
        started = Gateway("--upstream", f"lab={lab.address}", "--log", "json")
        self.addCleanup(started.stop)
        running = Lines("-H", "x-request-id: r-gone", f"{started.url}/lab/hang/r-gone")
        self.addCleanup(running.stop)
        lab.call_of("r-gone")
        running.stop()
        line = json.loads(started.process.wait_for(r"^.*r-gone.*$")[0])
        self.assertEqual(line["code"], "CANCELLED", line)


if __name__ == "__main__":
    unittest.main()
