"""A limit that a failure, a GOAWAY or a metric names is a setting, as docs/reference/config.md has
it (a page that is written from the table of keys)."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/config.md"
LAST = r"[a-z0-9_]+_(?:max|min|timeout)"
_KEY = re.compile(r"^\| `([A-Za-z0-9_.\[\]]+)` \|", re.M)
_LITERAL = re.compile(rf'"((?:[a-z0-9_]+\.|{{}}\.)*{LAST})"')
_IN_A_SENTENCE = re.compile(rf"\(limit ((?:[a-z0-9_]+\.|{{}}\.)*{LAST})\)")

_OF_UPSTREAMS = ("http2_client", "http2_core", "cluster", "grpc_caller", "endpoint")

# Words of this form that name no limit to anybody outside, each with its reason.
EXCEPTIONS = {
    "body_timeout": "a reason of errors.md",
    "depth_max": "of the reader of JSON alone: the door gives it the setting's name",
    "upstreams.users.pending_max": "the example in a comment",
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

    def test_exceptions_are_used(self):
        used = {name for path in sources() for name in names(path.read_text("utf-8"))}
        self.assertEqual(set(EXCEPTIONS) - used, set())


if __name__ == "__main__":
    unittest.main()
