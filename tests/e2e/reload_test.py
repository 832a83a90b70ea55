"""Settings, contracts and certificates that change in service: SIGHUP, changed files."""

import asyncio
import http.client
import itertools
import json
import os
import re
import signal
import socket
import tempfile
import unittest
from pathlib import Path

import frames
import harness
import rpc
from certificates import Authority
from harness import Gateway, Lines, Process, curl, free_port, wait_until
from loads import Everything, Http1Load, Verdict, memory_bytes
from puppet import PROTO, SERVICE, Puppet, Stream

RELOADS = int(os.environ.get("PARLEY_RELOADS", "100"))
WARM_UP = 20
SETTLED = 50
SECONDS = 30
# What a reload may leave behind, over all of RELOADS: allocators keep a little.
GROWTH_BYTES_MAX = 1 << 20
ANSWER = b'{"text":"ok"}'
TAKEN = "read again, and are in service"
REFUSED = "read again, and refused"


class ReloadCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="parley-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = self.folder / "parley.yaml"
        self.proto = self.folder / "puppet.proto"
        self.proto.write_text(PROTO.read_text())

    def puppet(self) -> Puppet:
        made = Puppet(Stream.answer)
        self.addCleanup(made.stop)
        return made

    def write(self, puppet: Puppet, more: str = "", upstream: str = ""):
        self.config.write_text(
            f"upstreams:\n  puppet:\n    endpoints: [{puppet.address}]\n"
            f"    contract: {{proto: [puppet.proto]}}\n{upstream}{more}"
        )

    def gateway(self, *flags: str, ready: bool = True) -> Gateway:
        made = Gateway("--config", str(self.config), "--log", "off", *flags, ready=ready)
        self.addCleanup(made.stop)
        return made

    def reload(self, gateway: Gateway | Process, expected: str = TAKEN):
        process = gateway if isinstance(gateway, Process) else gateway.process
        before = process.output.count(expected)
        process.signal(signal.SIGHUP)
        wait_until(lambda: process.output.count(expected) > before, expected, SECONDS)

    def metric(self, gateway: Gateway, name: str) -> float:
        page = curl(f"{gateway.admin_url}/metrics").body.decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)[1])


class OnSighup(ReloadCase):
    def test_settings_of_methods_and_routes_change(self):
        self.write(self.puppet(), "reload_on_change: false\n")
        gateway = self.gateway()
        self.assertEqual(curl(f"{gateway.url}/get/x").body, ANSWER)
        self.assertEqual(curl(f"{gateway.url}/other/x").status, 404)
        rule = "http: {rules: [{selector: puppet.v1.Puppet.Get, get: '/other/{text}'}]}\n"
        self.write(self.puppet(), "reload_on_change: false\n" + rule)
        self.reload(gateway)
        self.assertEqual(curl(f"{gateway.url}/other/x").body, ANSWER)
        self.assertEqual(curl(f"{gateway.url}/get/x").status, 404)
        self.assertEqual(self.metric(gateway, 'parley_reloads_total{result="taken"}'), 1)

    def test_limits_of_http_hold_at_once_on_open_connections(self):
        puppet = self.puppet()
        self.write(puppet, "reload_on_change: false\n")
        gateway = self.gateway()
        open_ = self.connection(gateway)
        self.assertEqual(self.status_of(open_, f"/get/{'x' * 1000}"), 200)
        self.write(puppet, "reload_on_change: false\nhttp: {url_bytes_max: 512}\n")
        self.reload(gateway)
        self.assertEqual(self.status_of(open_, f"/get/{'x' * 1000}"), 414)

    def test_timeouts_of_http_hold_from_the_next_time_on_open_connections(self):
        puppet = self.puppet()
        self.write(puppet, "reload_on_change: false\n")
        gateway = self.gateway()
        open_ = self.connection(gateway)
        self.assertEqual(self.status_of(open_, "/get/x"), 200)
        self.write(puppet, "reload_on_change: false\nhttp: {keep_alive_timeout: 100ms}\n")
        self.reload(gateway)
        new = self.connection(gateway)
        self.assertEqual(self.status_of(new, "/get/x"), 200)
        self.assertEqual(new.sock.recv(1), b"", "by the new timeout")
        self.assertEqual(self.status_of(open_, "/get/x"), 200, "by the old one it is still open")
        self.assertEqual(open_.sock.recv(1), b"", "and by the new one from then on")

    def connection(self, gateway: Gateway) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        self.addCleanup(made.close)
        made.connect()
        made.auto_open = False  # where it is closed, nothing is asked on another one
        return made

    def status_of(self, connection: http.client.HTTPConnection, path: str) -> int:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def test_bad_ones_are_refused_with_their_place_and_the_old_ones_stay(self):
        puppet = self.puppet()
        self.write(puppet, "reload_on_change: false\n")
        gateway = self.gateway()
        self.write(puppet, "reload_on_change: false\ndrain_timeout: soon\n")
        self.reload(gateway, REFUSED)
        self.assertRegex(gateway.process.output, r"parley\.yaml:6:16: drain_timeout")
        ready = curl(f"{gateway.admin_url}/readyz")
        self.assertEqual(ready.status, 200)
        self.assertIn("problem: read again, and refused: ", ready.body.decode())
        self.assertEqual(self.metric(gateway, 'parley_reloads_total{result="refused"}'), 1)
        self.write(puppet, "reload_on_change: false\n")
        self.proto.write_text(PROTO.read_text().replace("string text = 1", "Missing text = 1"))
        self.reload(gateway, REFUSED)
        self.assertRegex(gateway.process.output, r"puppet\.proto:\d+:\d+: .*Missing")
        self.assertIn("puppet.proto", curl(f"{gateway.admin_url}/readyz").body.decode())
        self.assertEqual(curl(f"{gateway.url}/get/x").body, ANSWER)
        self.proto.write_text(PROTO.read_text())
        self.reload(gateway)
        self.assertNotIn("refused", curl(f"{gateway.admin_url}/readyz").body.decode())

    def test_endpoints_change_and_upstreams_come_and_go(self):
        first, second = self.puppet(), self.puppet()
        lab = rpc.Lab()
        self.addCleanup(lab.stop)
        self.write(first, "reload_on_change: false\n")
        gateway = self.gateway()
        self.assertEqual(curl(f"{gateway.url}/get/x").body, ANSWER)
        self.write(second, "reload_on_change: false\n", f"  lab: {lab.address}\n")
        self.reload(gateway)
        wait_until(lambda: curl(f"{gateway.url}/lab/echo/hi").status == 200, "the new upstream")
        self.assertEqual(curl(f"{gateway.url}/get/x").body, ANSWER)
        self.assertEqual(len(second.streams()), 1)
        first.wait(lambda: all(one.ended for one in first.connections), "the old connections' end")
        self.write(second, "reload_on_change: false\n")
        self.reload(gateway)
        self.assertEqual(curl(f"{gateway.url}/lab/echo/hi").status, 404)

    def test_listeners_come_and_go(self):
        puppet, ports = self.puppet(), [free_port(), free_port()]
        listen = lambda *ports: "listeners:\n" + "".join(f"  - 127.0.0.1:{p}\n" for p in ports)
        self.write(puppet, "reload_on_change: false\n" + listen(ports[0]))
        flags = ["serve", "--config", str(self.config), "--admin", "off", "--log", "off"]
        gateway = Process(harness.BUILD / "parley", *flags)
        self.addCleanup(gateway.stop)
        gateway.wait_for("^ready: ")
        self.write(puppet, "reload_on_change: false\n" + listen(*ports))
        self.reload(gateway)
        wait_until(lambda: curl(f"http://127.0.0.1:{ports[1]}/get/x").body == ANSWER, "the new one")
        self.assertEqual(curl(f"http://127.0.0.1:{ports[0]}/get/x").body, ANSWER)
        self.write(puppet, "reload_on_change: false\n" + listen(ports[1]))
        self.reload(gateway)
        wait_until(lambda: curl(f"http://127.0.0.1:{ports[0]}/get/x").status == 0, "its end")
        self.assertEqual(curl(f"http://127.0.0.1:{ports[1]}/get/x").body, ANSWER)

    def test_a_listener_goes_from_loopback_to_every_address_and_back(self):
        puppet, port = self.puppet(), free_port()
        listen = lambda host: f"reload_on_change: false\nlisteners: ['{host}:{port}']\n"
        expose = "    expose: all\n"
        self.write(puppet, listen("127.0.0.1"), expose)
        gateway = Gateway("--config", str(self.config), "--log", "off", port=port, listen=False)
        self.addCleanup(gateway.stop)
        beyond = f"http://127.0.0.2:{port}/get/x"
        for host, status in (("0.0.0.0", 200), ("127.0.0.1", 0), ("0.0.0.0", 200)):
            self.write(puppet, listen(host), expose)
            self.reload(gateway)
            wait_until(lambda: curl(beyond).status == status, f"{status} after {host}")
            wait_until(lambda: curl(f"{gateway.url}/get/x").body == ANSWER, "the answer")

    def test_an_address_that_is_taken_is_refused_with_its_place(self):
        puppet, taken = self.puppet(), socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        port = free_port()
        listen = lambda *all_: f"reload_on_change: false\nlisteners: {json.dumps(all_)}\n"
        self.write(puppet, listen(f"127.0.0.1:{port}"))
        gateway = Gateway("--config", str(self.config), "--log", "off", port=port, listen=False)
        self.addCleanup(gateway.stop)
        self.write(puppet, listen(f"127.0.0.1:{port}", address))
        self.reload(gateway, REFUSED)
        column = len(f"listeners: [\"127.0.0.1:{port}\", ") + 1
        place = rf"parley\.yaml:6:{column}"
        gateway.process.wait_for(f"{place}: cannot listen on {address}: address already in use")
        self.assertEqual(curl(f"{gateway.url}/get/x").body, ANSWER)

    def test_only_what_changed_is_said(self):
        puppet = self.puppet()
        self.write(puppet, "reload_on_change: false\n")
        gateway = self.gateway()
        self.write(puppet, "reload_on_change: false\nhttp: {url_bytes_max: 512}\n")
        self.reload(gateway)
        self.assertNotIn("changed", gateway.process.output)
        self.proto.write_text(PROTO.read_text().replace("/get/{text}", "/fetch/{text}"))
        self.reload(gateway)
        gateway.process.wait_for(r"^routes changed: 1 new, 1 gone, \d+ in all$")

    def test_what_needs_a_restart_is_named(self):
        puppet = self.puppet()
        self.write(puppet, "reload_on_change: false\nthreads: 1\n")
        gateway = self.gateway()
        self.write(puppet, "reload_on_change: false\nthreads: 2\n")
        self.reload(gateway)
        self.assertIn("threads stays as it was; a change needs a restart", gateway.process.output)


class OnChange(ReloadCase):
    def test_of_the_settings_or_a_contract(self):
        puppet = self.puppet()
        self.write(puppet)
        gateway = self.gateway()
        self.proto.write_text(PROTO.read_text().replace("/get/{text}", "/fetch/{text}"))
        wait_until(lambda: curl(f"{gateway.url}/fetch/x").body == ANSWER, "the new route", SECONDS)
        self.assertRegex(gateway.process.output, r"breaking: puppet\.v1\.Puppet\.Get: the route")
        self.write(puppet, "rest: {unknown_query: ignore}\n")
        odd = f"{gateway.url}/fetch/x?what=1"
        wait_until(lambda: curl(odd).status == 200, "the new setting", SECONDS)

    def test_of_a_contract_that_is_removed_and_written_again(self):
        puppet = self.puppet()
        self.write(puppet)
        gateway = self.gateway()
        self.proto.unlink()
        gateway.process.wait_for(REFUSED, SECONDS)
        place = r"parley\.yaml:4:24: \S+/puppet\.proto: there is no such file"
        self.assertRegex(gateway.process.output, place)
        self.proto.write_text(PROTO.read_text().replace("/get/{text}", "/fetch/{text}"))
        wait_until(lambda: curl(f"{gateway.url}/fetch/x").body == ANSWER, "the new route", SECONDS)

    def test_but_not_to_a_contract_without_a_service(self):
        self.write(self.puppet())
        gateway = self.gateway()
        self.proto.write_text("")
        problem = r"parley\.yaml:4:24: upstream puppet has no service: nothing to serve"
        gateway.process.wait_for(problem, SECONDS)
        gateway.process.wait_for(REFUSED, SECONDS)
        self.assertEqual(curl(f"{gateway.url}/get/x").body, ANSWER)

    def test_says_nothing_of_a_contract_whose_clients_see_no_difference(self):
        self.write(self.puppet())
        gateway = self.gateway()
        self.proto.write_text(PROTO.read_text() + 'option java_package = "puppet";\n')
        gateway.process.wait_for(TAKEN, SECONDS)
        self.assertNotIn("its contract has changed", gateway.process.output)

    def test_of_the_contract_that_a_reload_was_refused_for(self):
        puppet, extra = self.puppet(), self.folder / "deep" / "extra.proto"
        self.write(puppet)
        gateway = self.gateway()
        lab = self.folder / "lab.proto"
        lab.write_text('syntax = "proto3"; message Sample { Missing missing = 1; }')
        more = "    contract: {proto: [lab.proto, deep/extra.proto]}\n"
        self.write(puppet, f"  lab:\n    endpoints: [{puppet.address}]\n{more}")
        gateway.process.wait_for(REFUSED, SECONDS)
        refused = gateway.process.output.count(REFUSED)
        lab.write_text('syntax = "proto3"; import "extra.proto"; service Lab {}')
        again = lambda: gateway.process.output.count(REFUSED) > refused
        wait_until(again, "another refusal, as something is still missing", SECONDS)
        extra.parent.mkdir()
        extra.write_text('syntax = "proto3";')
        gateway.process.wait_for(TAKEN, SECONDS)
        self.assertNotIn("refused", curl(f"{gateway.admin_url}/readyz").body.decode())

    def test_of_the_certificate_that_a_reload_was_refused_for(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        pair = authority.issue("IP:127.0.0.1")
        good = pair.cert.read_bytes()
        pair.cert.write_text("no certificate")
        puppet, port = self.puppet(), free_port()
        listen = lambda more: f"listeners: [{{address: '127.0.0.1:{port}'{more}}}]\n"
        self.write(puppet, listen(""))
        gateway = Gateway("--config", str(self.config), "--log", "off", port=port, listen=False)
        self.addCleanup(gateway.stop)
        self.write(puppet, listen(f", tls: {{cert: {pair.cert}, key: {pair.key}}}"))
        gateway.process.wait_for(REFUSED, SECONDS)
        problem = "holds no certificate"
        self.assertIn(problem, curl(f"{gateway.admin_url}/readyz").body.decode())
        pair.cert.write_bytes(good)
        gateway.process.wait_for(TAKEN, SECONDS)
        self.assertNotIn(problem, curl(f"{gateway.admin_url}/readyz").body.decode())


class UnderLoad(ReloadCase):
    def test_a_hundred_reloads_fail_nothing_and_leave_nothing_behind(self):
        puppet, spare = self.puppet(), self.puppet()
        self.write(puppet, "reload_on_change: false\n")
        gateway = self.gateway("--threads", "2")
        pid = gateway.process.pid
        everything = Everything(
            gateway.port, "/get/x", ANSWER, f"{SERVICE}/Get", frames.text_message("x")
        )
        request = b"GET /get/x HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
        once = Http1Load(
            gateway.port,
            itertools.repeat(request),
            lambda status, body: (status, body) == (200, ANSWER),
        )
        loads = (once, *everything.loads)
        # Every kind of change: nothing, a limit, the contract, the endpoint.
        variants = itertools.cycle(
            [
                (puppet, "", ""),
                (puppet, "http: {url_bytes_max: 9000}\n", ""),
                (puppet, "", " // again\nmessage New { int32 number = 1; }\n"),
                (spare, "rest: {presence: set_only}\n", ""),
            ]
        )

        async def reload(times: int):
            for upstream, more, contract in itertools.islice(variants, times):
                self.write(upstream, "reload_on_change: false\n" + more)
                self.proto.write_text(PROTO.read_text() + contract)
                await asyncio.to_thread(self.reload, gateway)
                goal = min(load.tally.good for load in loads) + 2
                enough = lambda: min(load.tally.good for load in loads) >= goal
                await everything.until(enough, "good answers", SECONDS)

        async def story() -> tuple[int, int]:
            running = asyncio.gather(everything.run(), once.run(2))
            await reload(WARM_UP)
            before = memory_bytes(pid)
            await reload(RELOADS)
            after = memory_bytes(pid)
            for load in loads:
                load.stop()
            await asyncio.wait_for(running, SECONDS)
            return before, after

        before, after = asyncio.run(story())
        self.assertEqual(everything.wrong + once.tally.wrong, {})
        self.assertEqual(everything.times(Verdict.UNAVAILABLE), [])
        self.assertEqual([load.refused for load in loads], [0] * len(loads))
        self.assertLess(after - before, GROWTH_BYTES_MAX, f"{before} bytes before, {after} after")

    def test_streams_go_on_across_a_reload(self):
        puppet = Puppet(Stream.open_with_message)
        self.addCleanup(puppet.stop)
        self.write(puppet, "reload_on_change: false\n")
        gateway = self.gateway()
        watch = Lines(f"{gateway.url}/watch/json")
        self.addCleanup(watch.stop)
        self.assertIn("first", watch.next())
        self.write(self.puppet(), "reload_on_change: false\n")
        self.reload(gateway)
        stream = puppet.stream("json")
        stream.send(stream.message_frame("last") + stream.trailers_frame())
        self.assertIn("last", watch.next())
        self.assertEqual(watch.next(), "")
        self.assertEqual(watch.exit_status(), 0)


if __name__ == "__main__":
    unittest.main()
