"""A limit that a failure, a GOAWAY or a metric names is a setting, or a fixed limit, as
docs/reference/config.md has them (a page whose table of settings is written from the keys). And
each that the page has is tripped by a test."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/config.md"
LAST = r"[a-z0-9_]+_(?:max|min|timeout)"
_KEY = re.compile(r"^\| `([A-Za-z0-9_.\[\]]+)` \|", re.M)
_PATH = r"(?:(?:[a-z0-9_]+(?:\[\])?|{})\.)*"
_NAME = rf"{_PATH}{LAST}|listeners\[\]\.proxy_protocol\.timeout"
_LITERAL = re.compile(rf'"({_NAME})"')
_IN_A_SENTENCE = re.compile(rf"\(limit ({_NAME})\)")

_OF_UPSTREAMS = ("http2_client", "http2_core", "cluster", "grpc_caller", "endpoint")

# Words of this form that name no limit to anybody outside, each with its reason.
EXCEPTIONS = {
    "body_timeout": "a reason of errors.md",
    "depth_max": "of the reader of JSON alone: the door gives it the setting's name",
    "upstreams.users.pending_max": "the example in a comment",
}

# Where a limit is tripped, if not in tests/e2e/limits_test.py: the file has its name.
LIMITS_TEST = "tests/e2e/limits_test.py"
HOSTILE_UPSTREAMS = "src/http/http2_hostile_upstream_test.cc"
TRIPPED_IN = {
    "http.resets_max": "tests/e2e/floods_test.py",
    "http.overhead_frames_max": "tests/e2e/floods_test.py",
    "http.continuation_frames_max": "tests/e2e/floods_test.py",
    "http.control_frames_queued_max": "src/http/http2_flood_test.cc",
    "rest.depth_max": "src/door/testdata/rest/bodies.txt",
    "rest.query_parameters_max": "src/door/testdata/rest/queries.txt",
    "upstreams.NAME.pending_max": "src/upstream/upstream_test.cc",
    "upstreams.NAME.metadata_bytes_max": "tests/e2e/admin_test.py",
    "upstreams.NAME.header_bytes_max": HOSTILE_UPSTREAMS,
    "upstreams.NAME.header_count_max": HOSTILE_UPSTREAMS,
    "upstreams.NAME.interim_heads_max": HOSTILE_UPSTREAMS,
    "upstreams.NAME.overhead_frames_max": HOSTILE_UPSTREAMS,
    "upstreams.NAME.continuation_frames_max": HOSTILE_UPSTREAMS,
    "upstreams.NAME.control_frames_queued_max": HOSTILE_UPSTREAMS,
    "upstreams.NAME.ping_timeout": "src/http/http2_test.cc",
    "fixed.compression_ratio_max": "src/wire/grpc_compression_test.cc",
    "fixed.own_message_bytes_max": "src/service/health_test.cc",
    "fixed.health_list_max": "src/service/health_test.cc",
}

# Keys that end as limits do, and whose end is no failure that could name them.
NO_LIMITS = {
    "upstreams.NAME.connections_max": "the next call waits: upstreams.NAME.pending_max",
    "upstreams.NAME.replay_bytes_max": "the request is sent once",
    "upstreams.NAME.backoff_max": "a pause",
    "timeout": "deadline_expired, which the client may have asked for: src/door/timeout_test.cc",
    "methods.SELECTOR.timeout": "the same",
    "methods.SELECTOR.message_bytes_max": "message_bytes_max, for some methods",
    "methods.SELECTOR.rest.depth_max": "rest.depth_max, for some methods",
    "methods.SELECTOR.rest.query_parameters_max": "rest.query_parameters_max, for some methods",
    "drain_timeout": "the end of a drain: tests/e2e/drain_test.py",
    "drain_idle_timeout": "the same",
    "upgrade_timeout": "the old process goes on: tests/e2e/upgrade_test.py",
    "fixed.certificate_chain_depth_max": "OpenSSL's own to find",
}


def keys() -> set[str]:
    return set(_KEY.findall(PAGE.read_text(encoding="utf-8")))


def sources() -> list[Path]:
    """All but tests, and the table of keys itself, whose names stand without their section."""
    return [
        path
        for path in sorted((ROOT / "src").rglob("*"))
        if path.suffix in (".cc", ".h")
        and not re.search(r"_(test|fake|fuzz)\.(cc|h)$", path.name)
        and path.parent.name != "config"
    ]


def names(text: str) -> list[str]:
    found = [*_LITERAL.findall(text), *_IN_A_SENTENCE.findall(text)]
    return [name.replace("{}", "NAME") for name in found]


def is_setting(name: str, path: Path, known: set[str]) -> bool:
    if name in known or name in EXCEPTIONS:
        return True
    # Without its section, which the code that uses it puts before it.
    if path.name.startswith("http2_") and f"http.{name}" in known:
        return True
    return path.name.startswith(_OF_UPSTREAMS) and f"upstreams.NAME.{name}" in known


class LimitNames(unittest.TestCase):
    def test_are_settings(self):
        known = keys()
        self.assertGreater(len(known), 80)
        found = [(name, path) for path in sources() for name in names(path.read_text("utf-8"))]
        self.assertGreater(len(found), 25)
        wrong = [(name, path.name) for name, path in found if not is_setting(name, path, known)]
        self.assertEqual(wrong, [])

    def test_are_tripped_by_a_test(self):
        limits = [key for key in keys() if re.search(r"(_max|_min|[._]timeout|^timeout)$", key)]
        self.assertEqual({*TRIPPED_IN, *NO_LIMITS} - set(limits), set())
        for limit in sorted(set(limits) - set(NO_LIMITS)):
            with self.subTest(limit):
                name = re.escape(limit).replace("NAME", r"\w+")
                test = (ROOT / TRIPPED_IN.get(limit, LIMITS_TEST)).read_text(encoding="utf-8")
                self.assertTrue(re.search(rf"(?<![\w.]){name}(?!\w)", test), "in no test")

    def test_exceptions_are_used(self):
        used = {name for path in sources() for name in names(path.read_text("utf-8"))}
        self.assertEqual(set(EXCEPTIONS) - used, set())


if __name__ == "__main__":
    unittest.main()
