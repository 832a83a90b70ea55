"""A new process takes over from the running one, with its listening sockets, under load."""

import asyncio
import fcntl
import itertools
import os
import signal
import socket
import ssl
import stat
import tempfile
import time
import unittest
from pathlib import Path

import frames
import harness
from certificates import Authority
from harness import Lines, Process, curl, free_port, wait_until
from loads import Everything, Http1Load, Verdict
from puppet import PROTO, SERVICE, Puppet, Stream

SWAPS = int(os.environ.get("PARLEY_SWAPS", "10"))
SETTLED = 100  # good answers of each load between two swaps
SWAP_SECONDS = 20
ANSWER = b'{"text":"ok"}'


class UpgradeCase(unittest.TestCase):
    def setUp(self):
        self.puppet = Puppet(Stream.answer)
        self.addCleanup(self.puppet.stop)
        folder = tempfile.TemporaryDirectory(prefix="parley-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "upgrade.sock"
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self, *flags: str, threads: int = 2) -> list[str]:
        contract = ["--proto", str(PROTO), "--include", str(PROTO.parent)]
        return [
            str(harness.BUILD / "parley"), "serve", "--upstream", self.puppet.address, *contract,
            "--listen", f"127.0.0.1:{self.port}", "--listen", f"unix:{self.folder}/parley.sock",
            "--admin", f"127.0.0.1:{self.admin_port}", "--log", "off",
            "--upgrade-socket", str(self.path), "--threads", str(threads), *flags,
        ]  # fmt: skip

    def start(self, *flags: str, threads: int = 2) -> Process:
        process = Process(*self.command(*flags, threads=threads))
        self.addCleanup(process.stop)
        return process

    def first(self, flags: tuple[str, ...] | list[str] = (), **how) -> Process:
        process = self.start(*flags, **how)
        process.wait_for("^ready: ")
        wait_until(lambda: curl(f"http://127.0.0.1:{self.admin_port}/readyz").status == 200, "it")
        return process

    def assert_answers(self):
        self.assertEqual(curl(f"{self.url}/get/x").body, ANSWER)
        answer = curl("--unix-socket", f"{self.folder}/parley.sock", "http://any/get/x")
        self.assertEqual(answer.body, ANSWER)
        self.assertEqual(curl(f"http://127.0.0.1:{self.admin_port}/healthz").status, 200)


class UnderLoad(UpgradeCase):
    def test_ten_swaps_lose_no_request(self):
        current = self.first()
        everything = Everything(
            self.port, "/get/x", ANSWER, f"{SERVICE}/Get", frames.text_message("x")
        )
        request = b"GET /get/x HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
        once = Http1Load(
            self.port,
            itertools.repeat(request),
            lambda status, body: (status, body) == (200, ANSWER),
        )
        loads = (once, *everything.loads)

        async def settle():
            goals = [load.tally.good + SETTLED for load in loads]
            enough = lambda: all(one.tally.good >= goal for one, goal in zip(loads, goals))
            await everything.until(enough, "good answers from every load", SWAP_SECONDS)

        async def swap(old: Process, threads: int) -> Process:
            new = self.start(threads=threads)
            await asyncio.to_thread(new.wait_for, f"took over from process {old.pid}")
            status = await asyncio.to_thread(old.wait, SWAP_SECONDS)
            self.assertEqual(status, 0, old.output)
            return new

        async def story():
            nonlocal current
            running = asyncio.gather(everything.run(), once.run(4))
            await settle()
            for threads in itertools.islice(itertools.cycle((1, 3, 2)), SWAPS):
                current = await swap(current, threads)
                await settle()
            for load in loads:
                load.stop()
            await asyncio.wait_for(running, SWAP_SECONDS)

        asyncio.run(story())
        self.assertEqual(everything.wrong, {})
        self.assertEqual(everything.times(Verdict.UNAVAILABLE), [])
        self.assertEqual(once.tally.wrong, {}, "connections of one request")
        self.assertEqual([load.refused for load in loads], [0] * len(loads))
        self.assert_answers()
        self.assertEqual(current.stop(), 0)
        self.assertEqual(sorted(os.listdir(self.folder)), [], "socket files are left behind")


class OneByOne(UpgradeCase):
    def test_the_socket_is_for_its_user_only(self):
        self.first()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_a_new_process_that_cannot_start_leaves_the_old_one_alone(self):
        old = self.first()
        bad = self.folder / "bad.proto"
        bad.write_text('syntax = "proto3";\nmessage M { Missing m = 1; }\n')
        new = self.start("--proto", str(bad))
        self.assertEqual(new.wait(), 1, new.output)
        old.wait_for("ended before it was ready; this process goes on")
        self.assert_answers()
        bad.unlink()
        newer = self.start()
        newer.wait_for(f"took over from process {old.pid}")
        self.assertEqual(old.wait(), 0, old.output)
        self.assert_answers()

    def test_one_that_does_not_become_ready_gives_up(self):
        old = self.first()
        settings = self.folder / "parley.yaml"
        settings.write_text("upgrade_timeout: 1s\n")
        nowhere = f"late=127.0.0.1:{free_port()}"
        new = Process(
            harness.BUILD / "parley", "serve", "--upstream", nowhere, "--config", str(settings),
            "--listen", f"127.0.0.1:{self.port}", "--admin", "off", "--upgrade-socket", self.path,
        )  # fmt: skip
        self.addCleanup(new.stop)
        self.assertEqual(new.wait(), 1, new.output)
        self.assertIn("not ready after upgrade_timeout", new.output)
        old.wait_for("this process goes on")
        self.assert_answers()

    def test_the_file_of_a_unix_socket_that_the_new_one_does_not_serve_is_removed(self):
        old = self.first()
        flags = self.command()
        at = flags.index(f"unix:{self.folder}/parley.sock")
        new = Process(*flags[: at - 1], *flags[at + 1 :])
        self.addCleanup(new.stop)
        new.wait_for(f"took over from process {old.pid}")
        self.assertEqual(old.wait(), 0, old.output)
        self.assertEqual(os.listdir(self.folder), [self.path.name])

    def test_sigterm_ends_one_that_waits_for_an_old_one(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as old:
            old.settimeout(SWAP_SECONDS)
            old.bind(str(self.path))
            old.listen()
            new = self.start()
            connection, _ = old.accept()
            with connection:
                connection.settimeout(SWAP_SECONDS)
                self.assertTrue(connection.recv(512).startswith(b"parley-upgrade"))
                new.signal(signal.SIGTERM)
                self.assertEqual(new.wait(SWAP_SECONDS), -signal.SIGTERM)

    def test_sigusr2_starts_the_program_again(self):
        old = self.first()
        old.signal(signal.SIGUSR2)
        wait_until(lambda: "has taken over, this one ends" in old.output, "the new process")
        self.assertEqual(old.wait(), 0, old.output)
        self.assert_answers()
        pid = int(old.output.split(" has taken over")[0].rsplit(" ", 1)[1])
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: curl(self.url).status == 0, "its end")

    def test_only_the_new_one_says_whether_it_is_ready(self):
        self.puppet = Puppet(Stream.open_with_message)
        self.addCleanup(self.puppet.stop)
        old = self.first()
        watch = Lines(f"{self.url}/watch/json")
        self.addCleanup(watch.stop)
        self.assertIn("first", watch.next())
        self.start().wait_for(f"took over from process {old.pid}")
        ready = lambda: curl(f"http://127.0.0.1:{self.admin_port}/readyz").status == 200
        wait_until(lambda: all(ready() for _ in range(20)), "the old one to be asked no more")
        self.assertTrue(old.running, "while it drains")
        stream = self.puppet.stream("json")
        stream.send(stream.message_frame("last") + stream.trailers_frame())
        self.assertIn("last", watch.next())
        self.assertEqual(old.wait(), 0, old.output)


class Sessions(UpgradeCase):
    def test_of_tls_are_resumed_by_the_new_process(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        pair = authority.issue("DNS:localhost")
        context = ssl.create_default_context(cafile=str(authority.ca))

        def ask(session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession]:
            with socket.create_connection(("127.0.0.1", self.port), 10) as raw:
                with context.wrap_socket(raw, server_hostname="localhost",
                                         session=session) as stream:
                    stream.sendall(b"GET /get/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
                    self.assertIn(b" 200 ", stream.recv(65536))
                    return stream.session_reused, stream.session

        old = self.first(flags=pair.flags)
        reused, session = ask(None)
        self.assertFalse(reused)
        new = self.start(*pair.flags)
        new.wait_for("took over from process")
        self.assertEqual(old.wait(), 0, old.output)
        self.assertTrue(ask(session)[0])


class FromSystemd(UpgradeCase):
    """Sockets and states by systemd's protocols: LISTEN_FDS and NOTIFY_SOCKET."""

    def test_passed_sockets_are_used_and_states_are_told(self):
        states = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(states.close)
        states.bind(str(self.folder / "notify.sock"))
        states.settimeout(SWAP_SECONDS)
        listener = self.listener()
        waiting = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(waiting.close)
        waiting.sendall(b"GET /get/x HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        path = str(self.folder / "notify.sock")
        process = self.start_with(listener, count="1", NOTIFY_SOCKET=path)
        listener.close()
        self.assertEqual(states.recv(4096), b"READY=1")
        answer = b""
        while received := waiting.recv(4096):
            answer += received
        self.assertTrue(answer.endswith(ANSWER), "what waited since before the start")
        self.assert_answers()
        self.check_reload(process, states)
        process.signal(signal.SIGTERM)
        self.assertEqual(states.recv(4096), b"STOPPING=1")
        self.assertEqual(process.wait(), 0)

    def test_a_descriptor_that_nothing_can_be_accepted_from_is_named(self):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
            socket.socket() as deaf,
            tempfile.TemporaryFile() as file,
        ):
            for what, passed in (
                ("not open", ()), ("a file", (file,)), ("no stream socket", (datagrams,)),
                ("a socket that does not listen", (deaf,)),
            ):  # fmt: skip
                with self.subTest(what), self.listener() as listener:
                    process = self.start_with(listener, *passed, count="2")
                    self.assertEqual(process.wait(SWAP_SECONDS), 1, process.output)
                    self.assertIn(f"LISTEN_FDS: descriptor 4 is {what}: ", process.output)

    def test_a_number_of_descriptors_that_is_none_is_refused(self):
        for count in ("", "-1", "1e3", "1025"):
            with self.subTest(count), self.listener() as listener:
                process = self.start_with(listener, count=count)
                self.assertEqual(process.wait(SWAP_SECONDS), 1, process.output)
                self.assertIn(f'LISTEN_FDS: "{count}" is no number up to 1024', process.output)

    def listener(self) -> socket.socket:
        return socket.create_server(("127.0.0.1", self.port), backlog=16)

    def start_with(self, *passed, count: str = "", **environment: str) -> Process:
        """As systemd does: the sockets are descriptors from 3 on, and the process is the one that
        is meant."""
        numbers = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in passed]
        moves = " ".join(f"{3 + i}<&{number}" for i, number in enumerate(numbers))
        script = f'exec {moves}; export LISTEN_FDS="{count}" LISTEN_PID=$$; exec "$@"'
        process = Process(
            "bash", "-c", script, "start", *self.command(), name="parley", pass_fds=numbers,
            env={**os.environ, **environment},
        )  # fmt: skip
        self.addCleanup(process.stop)
        for number in numbers:
            os.close(number)
        return process

    def check_reload(self, process: Process, states: socket.socket):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        process.signal(signal.SIGHUP)
        told = states.recv(4096).decode().splitlines()
        self.assertEqual(told[0], "RELOADING=1")
        name, _, value = told[1].partition("=")
        self.assertEqual(name, "MONOTONIC_USEC")
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertIn(int(value), range(before, now + 1))
        self.assertEqual(states.recv(4096), b"READY=1")
        process.wait_for("read again, and are in service")
        self.assert_answers()


if __name__ == "__main__":
    unittest.main()
