"""The command line as people and scripts meet it: check, routes, help, mistakes."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
import rpc
from rpc import Lab

LAB_PROTO = str(rpc.TESTDATA / "lab.proto")
NOWHERE = "lab=127.0.0.1:1"


def parley(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [harness.BUILD / "parley", *words], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=30, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


class CliCase(unittest.TestCase):
    def run_parley(self, status: int, *words: str) -> str:
        """Output of a run that ends with this status; errors go to stderr, answers to stdout."""
        done = parley(*words)
        self.assertEqual(done.returncode, status, done)
        silent, said = (done.stderr, done.stdout) if status == 0 else (done.stdout, done.stderr)
        self.assertEqual(silent, "")
        return said

    def file(self, name: str, text: str) -> str:
        folder = tempfile.TemporaryDirectory(prefix="parley-")
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, name)
        path.write_text(text, encoding="utf-8")
        return str(path)


class Words(CliCase):
    def test_help_is_an_answer(self):
        for words in (["--help"], ["help"], ["-h"]):
            with self.subTest(words=words):
                text = self.run_parley(0, *words)
                for verb in ("serve", "check", "routes"):
                    self.assertIn(f"\n  {verb}", text)

    def test_each_verb_lists_its_flags(self):
        for verb in ("serve", "check", "routes"):
            with self.subTest(verb=verb):
                text = self.run_parley(0, verb, "--help")
                self.assertEqual(text, self.run_parley(0, "help", verb))
                for flag in ("--upstream", "--proto", "--descriptor-set", "--expose", "--config"):
                    self.assertIn(flag, text)

    def test_the_version(self):
        self.assertRegex(self.run_parley(0, "--version"), r"^parley \d+\.\d+\.\d+\n$")

    def test_mistakes_name_what_was_meant(self):
        for words, hint in (
            (["serv"], "`serve`"),
            (["check", "--lisen", "x"], "`--listen`"),
            (["routes", "extra"], "extra"),
            ([], "--help"),
            (["serve", "--upstream", "127.0.0.1:1", "--threads", "many"], "many"),
            (["serve", "--upstream", "127.0.0.1:1", "--log", "loud"], "loud"),
        ):
            with self.subTest(words=words):
                self.assertIn(hint, self.run_parley(2, *words))

    def test_serve_without_an_upstream_says_what_is_missing(self):
        self.assertIn("--upstream 127.0.0.1:50051", self.run_parley(2, "serve"))


class Routes(CliCase):
    def json_routes(self, *words: str) -> list[dict]:
        text = self.run_parley(0, "routes", "--json", *words)
        return [json.loads(line) for line in text.splitlines()]

    def test_a_table_by_reflection(self):
        lab = Lab()
        self.addCleanup(lab.stop)
        text = self.run_parley(0, "routes", "--upstream", f"lab={lab.address}")
        rows = [line.split() for line in text.splitlines()]
        self.assertEqual(rows[0], ["VERB", "TEMPLATE", "METHOD", "KIND", "UPSTREAM"])
        self.assertIn(["GET", "/lab/echo/{text}", "lab.v1.Lab.Echo", "unary", "lab"], rows)
        chat = ["POST", "/lab.v1.Lab/Chat", "lab.v1.Lab.Chat", "bidi", "stream", "lab"]
        self.assertIn([*chat, "gRPC", "only"], rows)

    def test_json_for_machines_from_a_file_alone(self):
        rows = self.json_routes("--upstream", NOWHERE, "--proto", LAB_PROTO)
        echo = [row for row in rows if row["method"] == "lab.v1.Lab.Echo"]
        verbs = [f"{row['verb']} {row['template']} {row['streaming']}" for row in echo]
        self.assertEqual(verbs, ["GET /lab/echo/{text} unary", "POST /lab/echo unary"])
        (count,) = [row for row in rows if row["method"] == "lab.v1.Lab.Count"]
        self.assertEqual(count["streaming"], "server stream")
        (chat,) = [row for row in rows if row["method"] == "lab.v1.Lab.Chat"]
        self.assertEqual(chat["doors"], ["grpc"])

    def test_all_says_why_a_method_is_not_exposed(self):
        flags = ["--upstream", NOWHERE, "--proto", LAB_PROTO, "--expose", "annotated"]
        self.assertNotIn("Hidden", json.dumps(self.json_routes(*flags)))
        rows = self.json_routes(*flags, "--all")
        (hidden,) = [row for row in rows if row["method"] == "lab.v1.Lab.Hidden"]
        self.assertFalse(hidden["exposed"])
        self.assertIn("no HTTP rule", hidden["reason"])

    def test_an_upstream_that_is_down_is_a_sentence(self):
        text = self.run_parley(1, "routes", "--upstream", NOWHERE)
        for word in ("lab", "127.0.0.1:1", "refused", "--proto"):
            self.assertIn(word, text)


class Check(CliCase):
    def test_what_is_right_is_counted(self):
        text = self.run_parley(0, "check", "--upstream", NOWHERE, "--proto", LAB_PROTO)
        self.assertRegex(text, r"^ok: 1 upstream, 8 exposed methods, \d+ REST routes\n$")

    def test_every_problem_at_once_with_its_place(self):
        proto = self.file("bad.proto", """syntax = "proto3";
            package bad.v1;
            import "google/api/annotations.proto";
            service Bad {
              rpc A(M) returns (M) { option (google.api.http) = {get: "/a/{nothing}"}; }
              rpc B(M) returns (M) { option (google.api.http) = {get: "/b/{id"}; }
              rpc C(M) returns (M) { option (google.api.http) = {post: "/c" body: "none"}; }
            }
            message M { string id = 1; }""")  # fmt: skip
        lines = self.run_parley(1, "check", "--upstream", NOWHERE, "--proto", proto).splitlines()
        for line, word in ((5, "nothing"), (6, "/b/{id"), (7, "none")):
            with self.subTest(line=line):
                pattern = rf"bad\.proto:{line}:\d+: .*{word}.*; .+"
                self.assertTrue(any(re.search(pattern, one) for one in lines), lines)

    def test_a_duplicate_route_names_both_methods(self):
        proto = self.file("twice.proto", """syntax = "proto3";
            package twice.v1;
            import "google/api/annotations.proto";
            service Twice {
              rpc A(M) returns (M) { option (google.api.http) = {get: "/x/{id}"}; }
              rpc B(M) returns (M) { option (google.api.http) = {get: "/x/{name}"}; }
            }
            message M { string id = 1; string name = 2; }""")  # fmt: skip
        text = self.run_parley(1, "check", "--upstream", NOWHERE, "--proto", proto)
        for word in ("twice.v1.Twice.A", "twice.v1.Twice.B", "/x/{"):
            self.assertIn(word, text)

    def test_a_config_has_its_problems_by_line_and_column(self):
        config = self.file("parley.yaml", "upstreams:\n  lab:\n    endpoint: [127.0.0.1:1]\n"
                           "listners:\n  - {address: 127.0.0.1:0}\n")  # fmt: skip
        done = parley("check", "--config", config)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"parley\.yaml:3:5: .*endpoint.*endpoints")
        self.assertRegex(done.stderr, r"parley\.yaml:4:1: .*listners.*listeners")


class Config(CliCase):
    """parley.yaml alone, from `check` to answers."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.stop)
        cls.port = harness.free_port()
        cls.url = f"http://127.0.0.1:{cls.port}"
        folder = tempfile.TemporaryDirectory(prefix="parley-")
        cls.addClassCleanup(folder.cleanup)
        cls.config = Path(folder.name, "parley.yaml")
        cls.config.write_text(f"""
upstreams:
  lab: {{endpoints: ["{cls.lab.address}"], expose: [lab.v1.Lab.Echo, lab.v1.Lab.Hidden]}}
listeners:
  - {{address: "127.0.0.1:{cls.port}"}}
admin: off
http:
  rules:
    - selector: lab.v1.Lab.Hidden
      get: /hidden/{{text}}
      additional_bindings:
        - {{post: /hidden, body: "*", response_body: text}}
methods:
  lab.v1.*: {{timeout: 5s}}
  lab.v1.Lab.Echo: {{timeout: 9s}}
""", encoding="utf-8")  # fmt: skip
        serve = harness.Process(harness.BUILD / "parley", "serve", "--config", cls.config)
        cls.addClassCleanup(serve.stop)
        serve.wait_for(rf"^ready: {cls.url}$")

    def test_check_counts_what_it_serves(self):
        text = self.run_parley(0, "check", "-c", str(self.config))
        self.assertIn("ok: 1 upstream, 2 exposed methods", text)

    def test_rules_of_the_config_are_routes(self):
        self.assertEqual(harness.curl(f"{self.url}/hidden/a").json["text"], "a")
        answer = harness.curl("--json", '{"text": "b"}', f"{self.url}/hidden")
        self.assertEqual(answer.body, b'"b"')

    def test_what_is_not_selected_is_not_there(self):
        self.assertEqual(harness.curl(f"{self.url}/lab/fail/5").status, 404)

    def test_the_most_specific_selector_wins(self):
        for path, most in (("/hidden/a", 5), ("/lab/echo/a", 9)):
            left = harness.curl(self.url + path).json["secondsLeft"]
            self.assertTrue(most - 2 < left < most + 0.05, f"{left} of {most} s")

    def test_flags_beat_the_file(self):
        words = ["-c", str(self.config), "--expose", "lab.v1.Lab.Echo", "--json"]
        text = self.run_parley(0, "routes", *words)
        methods = {json.loads(line)["method"] for line in text.splitlines()}
        self.assertEqual(methods, {"lab.v1.Lab.Echo"})


if __name__ == "__main__":
    unittest.main()
