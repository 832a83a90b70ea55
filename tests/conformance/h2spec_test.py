"""Every case of h2spec (RFC 9113 and 7541) against a running gateway, each as a case of its own."""

import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from certificates import Authority  # noqa: E402
from harness import Gateway, Shop, tool  # noqa: E402

STRICT = "--strict"  # what RFC 9113 only recommends is tried too
CASES_MIN = 146  # of h2spec 2.2.1; one of them is strict
ANSWER_SECONDS = 2  # for one answer
RUN_SECONDS = 240
PATH = "/v1/users"  # it answers GET and POST with a body

# What h2spec calls its three parts on the screen, and in its report.
PARTS = {"Generic": "generic", "Hypertext": "http2", "HPACK": "hpack"}


class Case(NamedTuple):
    """A case by its section and its number there: `http2/5.1.1` and 2."""

    section: str
    number: int
    title: str

    @property
    def method(self) -> str:
        section = re.sub(r"\W", "_", self.section)
        title = re.sub(r"\W+", "_", self.title.lower()).strip("_")
        return f"test_{section}_{self.number}_{title}"


def run(*arguments: str) -> str:
    """What h2spec prints; that cases fail is no error yet."""
    command = [tool("h2spec"), STRICT, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=RUN_SECONDS)
    return done.stdout.decode(errors="replace")


def known_cases() -> list[Case]:
    """Its list of sections, `5.1. Stream States`, and beneath them of cases, `2: Sends ...`."""
    cases, part, section = [], "", ""
    for line in run("--dryrun").splitlines():
        if title := re.match(r"\w+", line):
            part = PARTS[title[0]]
        elif heading := re.match(r" +([\d.]+)\. ", line):
            section = f"{part}/{heading[1]}"
        elif case := re.match(r" +(\d+): (.+)", line):
            cases.append(Case(section, int(case[1]), case[2]))
    return cases


def report(*arguments: str) -> dict[tuple[str, int], ElementTree.Element]:
    """Runs the cases: what h2spec reports of each."""
    with tempfile.NamedTemporaryFile(prefix="h2spec-", suffix=".xml") as file:
        run("--junit-report", file.name, *arguments)
        suites = ElementTree.parse(file.name).getroot().iter("testsuite")
        return {
            (suite.get("package"), number): case
            for suite in suites
            for number, case in enumerate(suite.iter("testcase"), 1)
        }


class Conformance:
    """The cases on one kind of connection. A derived class says how h2spec gets there."""

    flags: tuple[str, ...] = ()  # of h2spec
    serve: tuple[str, ...] = ()  # of the gateway

    @classmethod
    def setUpClass(cls):
        shop = Shop()
        cls.addClassCleanup(shop.stop)
        flags = ["--upstream", shop.addresses["users"], "--threads", "1", "--log", "off"]
        gateway = Gateway(*flags, *cls.serve)
        cls.addClassCleanup(gateway.stop)
        target = ["-h", "127.0.0.1", "-p", str(gateway.port), "--path", PATH]
        cls.seen = report(*target, "--timeout", str(ANSWER_SECONDS), *cls.flags)

    def test_no_case_is_missing(self):
        self.assertGreaterEqual(len(self.seen), CASES_MIN)

    def check(self, case: Case):
        seen = self.seen[case.section, case.number]
        wrong = [part for part in seen if part.tag in ("failure", "error", "skipped")]
        self.assertEqual(["".join(part.itertext()) for part in wrong], [])


def case_of(case: Case):
    return lambda self: self.check(case)


for _known in known_cases():
    setattr(Conformance, _known.method, case_of(_known))


class Cleartext(Conformance, unittest.TestCase):
    """HTTP/2 with prior knowledge."""


class Tls(Conformance, unittest.TestCase):
    """HTTP/2 by ALPN."""

    flags = ("--tls", "--insecure")

    @classmethod
    def setUpClass(cls):
        authority = Authority()
        cls.addClassCleanup(authority.remove)
        cls.serve = authority.issue("IP:127.0.0.1").flags
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()
