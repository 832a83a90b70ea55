"""Contracts by reflection, which change while the gateway runs."""

import json
import unittest

import rpc
from harness import Gateway, curl, free_port, wait_until
from reload_test import SECONDS, ReloadCase


class ByReflection(ReloadCase):
    """A contract that changes at its upstream, whose connection stays."""

    OLD = """
        syntax = "proto3"; package notes.v1; import "google/api/annotations.proto";
        service Notes { rpc Get(Note) returns (Note) { option (google.api.http) = {get: "%s"}; } }
        message Note { string text = 1; %s }"""

    def test_is_asked_again_compared_and_served(self):
        old = rpc.Contract.from_text(notes=self.OLD % ("/notes", "int32 stars = 2;"))
        new = rpc.Contract.from_text(notes=self.OLD % ("/v2/notes", "bool done = 3;"))
        upstream = rpc.Upstream(old, {"Get": lambda request, _: request})
        self.addCleanup(upstream.stop)
        self.config.write_text(
            f"upstreams: {{notes: '{upstream.address}'}}\nreflection_interval: 1s\n"
        )
        gateway = self.gateway()
        self.assertEqual(curl(f"{gateway.url}/notes?text=a").json["text"], "a")
        upstream.tell(new)
        wait_until(lambda: curl(f"{gateway.url}/v2/notes?text=a").status == 200, "it", SECONDS)
        output = gateway.process.output
        self.assertIn("upstream notes: its contract has changed", output)
        self.assertIn("breaking: notes.v1.Note.stars: field 2 is gone", output)
        self.assertIn("breaking: notes.v1.Notes.Get: the route GET /notes is gone", output)
        self.assertIn("notes.v1.Note.done: field 3 is new", output)

    def test_is_asked_for_until_it_is_there(self):
        contract = rpc.Contract.from_text(notes=self.OLD % ("/notes", ""))
        upstream = rpc.Upstream(contract, {"Get": lambda request, _: request}, reflection=("v1",))
        self.addCleanup(upstream.stop)
        (reflection,) = upstream.reflections
        reflection.mute = True
        self.config.write_text(
            f"upstreams: {{notes: '{upstream.address}'}}\nreflection_retry: 100ms\n"
        )
        gateway = self.gateway(ready=False)
        # More often than the default would have it.
        wait_until(lambda: reflection.asked > SECONDS, "it to be asked often", SECONDS)
        self.assertEqual(curl(f"{gateway.admin_url}/readyz").status, 503)
        reflection.mute = False
        gateway.wait_ready()
        self.assertEqual(curl(f"{gateway.url}/notes?text=a").json["text"], "a")

    def upstream(self, text: str, **how) -> rpc.Upstream:
        made = rpc.Upstream(
            rpc.Contract.from_text(notes=text), {"Get": lambda request, _: request}, **how
        )
        self.addCleanup(made.stop)
        return made

    def readiness(self, gateway: Gateway) -> str:
        answer = curl(f"{gateway.admin_url}/readyz")
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def serves(self, gateway: Gateway, path: str) -> bool:
        return curl(f"{gateway.url}{path}").status == 200

    BOOKS = OLD.replace("notes", "books").replace("Note", "Book")

    def notes_and_books(self) -> tuple[rpc.Upstream, rpc.Upstream, Gateway]:
        notes = self.upstream(self.OLD % ("/notes", ""))
        books = self.upstream(self.BOOKS % ("/books", ""))
        self.config.write_text(
            f"upstreams: {{notes: '{notes.address}', books: '{books.address}'}}\n"
            "reflection_interval: 1s\nreload_on_change: false\n"
        )
        return notes, books, self.gateway()

    def test_one_that_conflicts_waits_and_holds_nothing_else_up(self):
        notes, books, gateway = self.notes_and_books()
        notes.tell(rpc.Contract.from_text(notes=self.OLD % ("/books", "")))
        conflict = "problem: upstream notes: its contract cannot be served beside the others"
        wait_until(lambda: conflict in self.readiness(gateway), "the conflict", SECONDS)
        self.assertIn("the one from before stays: the same route twice", gateway.process.output)
        self.assertTrue(self.serves(gateway, "/notes?text=a"))
        books.tell(rpc.Contract.from_text(books=self.BOOKS % ("/books", "int32 pages = 2;")))
        wait_until(lambda: self.serves(gateway, "/books?pages=3"), "the other's field", SECONDS)
        self.config.write_text(self.config.read_text() + "http: {url_bytes_max: 512}\n")
        self.reload(gateway)
        self.assertEqual(curl(f"{gateway.url}/notes?text={'x' * 1000}").status, 414)
        self.assertTrue(self.serves(gateway, "/notes?text=a"))
        wait_until(lambda: conflict in self.readiness(gateway), "the conflict again", SECONDS)
        notes.tell(rpc.Contract.from_text(notes=self.OLD % ("/notes", "")))
        wait_until(lambda: "problem" not in self.readiness(gateway), "its end", SECONDS)

    def test_one_that_conflicts_is_served_when_the_other_gives_way(self):
        notes, books, gateway = self.notes_and_books()
        notes.tell(rpc.Contract.from_text(notes=self.OLD % ("/books", "int32 stars = 2;")))
        wait_until(lambda: "problem" in self.readiness(gateway), "the conflict", SECONDS)
        # Each takes the other's route: alone neither could be served.
        books.tell(rpc.Contract.from_text(books=self.BOOKS % ("/notes", "int32 pages = 2;")))
        wait_until(lambda: self.serves(gateway, "/notes?pages=3"), "the exchange", SECONDS)
        self.assertTrue(self.serves(gateway, "/books?stars=3"))
        self.assertNotIn("problem", self.readiness(gateway))

    def test_one_that_conflicts_is_served_when_the_settings_let_it(self):
        notes, _, gateway = self.notes_and_books()
        notes.tell(rpc.Contract.from_text(notes=self.OLD % ("/books", "int32 stars = 2;")))
        wait_until(lambda: "problem" in self.readiness(gateway), "the conflict", SECONDS)
        # It needs what waits: beside the old one this rule would conflict.
        rule = "http: {rules: [{selector: books.v1.Books.Get, get: /notes}]}\n"
        self.config.write_text(self.config.read_text() + rule)
        self.reload(gateway)
        self.assertTrue(self.serves(gateway, "/books?stars=3"))
        self.assertTrue(self.serves(gateway, "/notes?text=a"))
        self.assertNotIn("problem", self.readiness(gateway))

    def test_a_rule_whose_method_goes_is_named_and_refuses_no_reload(self):
        contract = self.OLD.replace("service Notes {", "service Notes { %s")
        both = contract % ("rpc Gone(Note) returns (Note);", "/notes", "")
        upstream = self.upstream(both)
        rule = "http: {rules: [{selector: notes.v1.Notes.Gone, get: /gone}]}\n"
        self.config.write_text(
            f"upstreams: {{notes: '{upstream.address}'}}\n{rule}"
            "reflection_interval: 1s\nreload_on_change: false\n"
        )
        gateway = self.gateway()
        self.assertNotIn("no upstream has", gateway.process.output)
        upstream.tell(rpc.Contract.from_text(notes=contract % ("", "/notes", "")))
        warning = r"parley\.yaml:2:\d+: .*no upstream has a method notes\.v1\.Notes\.Gone"
        gateway.process.wait_for(warning, SECONDS)
        self.config.write_text(self.config.read_text() + "timeout: 5s\n")
        self.reload(gateway)
        self.assertTrue(self.serves(gateway, "/notes?text=a"))

    def test_is_asked_again_when_any_of_its_endpoints_comes_back(self):
        ports = [free_port(), free_port()]
        place = lambda port: {"address": f"127.0.0.1:{port}"}
        olds = [self.upstream(self.OLD % ("/notes", ""), **place(port)) for port in ports]
        endpoints = [f"127.0.0.1:{port}" for port in ports]
        self.config.write_text(
            f"upstreams: {{notes: {{endpoints: {json.dumps(endpoints)}}}}}\n"
            "reflection_interval: 1h\nreflection_retry: 100ms\n"
        )
        gateway = self.gateway()
        # One after the other: it is connected to one of them all the time.
        all_ = list(olds)
        asked = lambda: sum(version.asked for one in all_ for version in one.reflections)
        for old, port in zip(olds, ports, strict=True):
            old.stop()
            before = asked()
            all_.append(self.upstream(self.OLD % ("/v2/notes", ""), **place(port)))
            wait_until(lambda before=before: asked() > before, "it to be asked again", SECONDS)
        wait_until(lambda: self.serves(gateway, "/v2/notes"), "the new contract", SECONDS)

    def test_what_it_can_no_longer_be_had_for_is_a_problem_though_it_is_served(self):
        upstream = self.upstream(self.OLD % ("/notes", ""))
        self.config.write_text(
            f"upstreams: {{notes: '{upstream.address}'}}\n"
            "reflection_interval: 1s\nreflection_retry: 100ms\n"
        )
        gateway = self.gateway()
        for reflection in upstream.reflections:
            reflection.mute = True
        problem = "problem: upstream notes: it has no server reflection"
        wait_until(lambda: problem in self.readiness(gateway), "the problem", SECONDS)
        self.assertTrue(self.serves(gateway, "/notes"))
        for reflection in upstream.reflections:
            reflection.mute = False
        wait_until(lambda: "problem" not in self.readiness(gateway), "its end", SECONDS)
        upstream.tell(rpc.Contract.from_text(notes=self.OLD % ("/notes/{missing}", "")))
        problem = "problem: upstream notes: its contract does not load: "
        wait_until(lambda: problem in self.readiness(gateway), "the problem", SECONDS)
        self.assertTrue(self.serves(gateway, "/notes"))
        # What is left of its services is not for clients.
        bare = rpc.Contract.from_text(notes=self.OLD % ("/notes", ""))
        bare.services = lambda: ["grpc.health.v1.Health"]
        upstream.tell(bare)
        problem = "upstream notes has no service: nothing to serve; the contract from before"
        wait_until(lambda: problem in self.readiness(gateway), "the problem", SECONDS)
        self.assertTrue(self.serves(gateway, "/notes"))


if __name__ == "__main__":
    unittest.main()
