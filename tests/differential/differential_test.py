"""Parley and six other servers get the same bytes: where Parley accepts a message and one of them
splits it otherwise, or refuses it, docs/differential.md says why. A difference that is not in its
table fails the test, and its message has the row to add."""

import json
import re
import shutil
import socket
import sys
import tempfile
import unittest
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import peers  # noqa: E402
import splits  # noqa: E402
from harness import ROOT, Gateway, free_port, wait_until  # noqa: E402
from messages import LIMITS, read_table  # noqa: E402

DOCUMENT = ROOT / "docs/differential.md"
ROW = re.compile(r"^\| (\w+) \| (\w+) \| `(.*)` \|$", re.MULTILINE)
REFUSED = "refused"
UNREAD = "?"  # a door had no need to read the body: only its verb can be compared
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Reasons of what HTTP itself refuses (docs/reference/errors.md); everything else was understood,
# and failed behind the parser.
REFUSALS = {
    "request_malformed",
    "headers_too_large",
    "url_too_long",
    "version_unsupported",
    "transfer_coding_unknown",
    "expectation_failed",
    "body_timeout",
    "body_too_large",
}

PROTO = """
syntax = "proto3";
package differential.v1;
import "google/api/annotations.proto";
import "google/api/httpbody.proto";
message Anything { string path = 1; google.api.HttpBody content = 2; }
service Catch {
  rpc All(Anything) returns (Anything) {
    option (google.api.http) = {custom: {kind: "*" path: "/{path=**}"} body: "content"};
  }
}
"""
CONFIG = """
http: {limits}
rest: {{unknown_query: ignore}}
"""


def start_parley(folder: Path) -> Gateway:
    """Every request is read to its end and logged; the upstream is not there."""
    proto, config = folder / "catch.proto", folder / "parley.yaml"
    proto.write_text(PROTO, encoding="utf-8")
    config.write_text(CONFIG.format(limits=json.dumps(LIMITS)), encoding="utf-8")
    flags = ["--config", config, "--upstream", f"catch=127.0.0.1:{free_port()}"]
    flags += ["--proto", f"catch={proto}", "--include", f"catch={folder}"]
    flags += ["--log", "json", "--threads", "1"]
    return Gateway(*map(str, flags), ready=False)


def log_of(gateway: Gateway) -> dict[str, dict]:
    lines = [line for line in gateway.process.output.splitlines() if line.startswith("{")]
    return {line["request_id"]: line for line in map(json.loads, lines)}


@dataclass(frozen=True)
class Split:
    """The requests that a server saw, each as verb and bytes of its body, or REFUSED."""

    seen: list[str]
    closed: bool  # behind them; else the server waits for more bytes

    @property
    def accepted(self) -> list[str]:
        return self.seen[: self.seen.index(REFUSED)] if REFUSED in self.seen else self.seen


def of_parley(gateway: Gateway, talks: list[splits.Talk]) -> list[Split]:
    """From its log, which says what was read."""
    wanted = {answer.headers["x-request-id"] for talk in talks for answer in talk.answers}
    wait_until(lambda: wanted <= log_of(gateway).keys(), "the log to be complete")
    log = log_of(gateway)

    def seen(answer: splits.Answer) -> str:
        problem = json.loads(answer.body) if answer.body else {}
        if problem.get("type", "").rpartition("/")[2] in REFUSALS:
            return REFUSED
        line = log[answer.headers["x-request-id"]]
        read = line["request_bytes"] if answer.status == 503 else UNREAD  # none to call
        return f"{line['verb']} {read}"

    return [Split([seen(answer) for answer in talk.answers], talk.closed) for talk in talks]


def of_peer(talks: list[splits.Talk]) -> list[Split]:
    return [
        Split([answer.headers.get("x-seen", REFUSED) for answer in talk.answers], talk.closed)
        for talk in talks
    ]


def difference(parley: Split, peer: Split) -> str:
    """What the peer does with something that Parley accepts; "": the same.

    "refuses", "closes" without an answer, "waits" for more, or "splits" into other requests.
    """
    accepted = parley.accepted
    for at, ours in enumerate(accepted):
        if at == len(peer.seen):
            return "closes" if peer.closed else "waits"
        if peer.seen[at] != ours and f"{peer.seen[at].split()[0]} {UNREAD}" != ours:
            return "refuses" if peer.seen[at] == REFUSED else "splits"
    parley_waits = accepted == parley.seen and not parley.closed
    return "splits" if parley_waits and len(peer.accepted) > len(accepted) else ""


class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = Path(tempfile.mkdtemp(prefix="differential-"))
        folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.messages = read_table()
        sent = [message.sent for message in cls.messages]
        gateway = start_parley(folder)
        cls.addClassCleanup(gateway.stop)
        wait_until(lambda: listens(gateway.port), "Parley to listen")
        cls.parley = of_parley(gateway, splits.ask_all(gateway.port, sent))
        echo = peers.start_echo()
        cls.addClassCleanup(echo.stop)
        cls.servers = [peers.start_node()]
        for name in peers.PROXIES:
            cls.servers.append(peers.start_proxy(name, echo.port, folder / name))
        for server in cls.servers:
            cls.addClassCleanup(server.stop)
        with futures.ThreadPoolExecutor() as pool:
            talks = pool.map(lambda server: splits.ask_all(server.port, sent), cls.servers)
            cls.seen = {one.name: of_peer(talk) for one, talk in zip(cls.servers, talks)}

    def test_everyone_understands_a_plain_request(self):
        plain = Split(["GET 0", "GET 0"], True)
        self.assertEqual(self.parley[0], plain)
        for name, seen in self.seen.items():
            self.assertEqual(seen[0], plain, name)

    def test_the_running_gateway_splits_as_the_table_of_its_parser_says(self):
        for message, split in zip(self.messages, self.parley):
            with self.subTest(line=message.line):
                if message.sent.startswith(HTTP2):
                    continue  # never comes to that parser
                verbs = [line.split()[0] for line in message.expected]
                refused = verbs[-1].isdigit() or " expects" in message.expected[-1]
                expected = verbs[:-1] if refused or verbs[-1] == "incomplete" else verbs
                accepted = [one.split()[0] for one in split.accepted]
                self.assertEqual(accepted[: len(expected)], expected)
                if refused:
                    self.assertEqual(split.seen[len(expected) :][:1], [REFUSED])

    def test_every_difference_is_listed_with_its_reason(self):
        listed = set(ROW.findall(DOCUMENT.read_text(encoding="utf-8")))
        texts = {documented(message.text) for message in self.messages}
        self.assertEqual([row for row in listed if row[2] not in texts], [], "no such messages")
        unlisted = []
        for server in self.servers:
            for at, message in enumerate(self.messages):
                row = (server.name, *self._compare(server, at), documented(message.text))
                if row[1] and row not in listed:
                    unlisted.append("| {} | {} | `{}` |".format(*row))
        self.assertEqual(unlisted, [], "look at them: fix Parley, or list them in " + DOCUMENT.name)

    def _compare(self, server: peers.Server, at: int) -> tuple[str]:
        """Who seems to wait may be slow, and is asked again, and waited for longer."""
        kind = difference(self.parley[at], self.seen[server.name][at])
        if kind == "waits":
            again = of_peer(splits.ask_all(server.port, [self.messages[at].sent], quiet=3))
            kind = difference(self.parley[at], again[0])
        return (kind,)


def documented(text: str) -> str:
    """A message as the document has it: without what ends a column or a code span."""
    return text.replace("|", "\\x7C").replace("`", "\\x60")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    unittest.main()
