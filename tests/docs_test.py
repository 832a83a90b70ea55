"""What the documentation tells people to type, typed.

A fenced block `console` holds commands behind `$ ` and what they print; `...` stands for anything.
The blocks of one page run in order, from the root of the checkout, against the demo, whose address
stands in for 127.0.0.1:8080 (and for 8081, where Parley tells about itself).
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import harness  # noqa: E402

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """Each command of a block, lines that end in a backslash joined, and what it prints."""
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command = re.match(r"(?:.*\\\n)*.*", part)[0]
        found.append((command, part[len(command) :].strip()))
    return found


def as_pattern(expected: str) -> re.Pattern:
    return re.compile(".*".join(map(re.escape, expected.split("..."))), re.DOTALL)


class Commands(unittest.TestCase):
    """The notation itself."""

    def test_a_command_may_go_on_behind_a_backslash(self):
        self.assertEqual(commands("$ a \\\n  b\nout\n$ c\n"), [("a \\\n  b", "out"), ("c", "")])

    def test_three_dots_stand_for_anything(self):
        self.assertTrue(as_pattern('{"id": ...}').fullmatch('{"id": 42,\n"x": 1}'))
        self.assertFalse(as_pattern("a...").fullmatch("ba"))


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop, cls.gateway = harness.demo()
        cls.addClassCleanup(cls.shop.stop)
        cls.addClassCleanup(cls.gateway.stop)

    def type_page(self, page: Path):
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for command, expected in commands(block):
                with self.subTest(command=command):
                    self.type_command(command, expected)

    def type_command(self, command: str, expected: str):
        typed = command.replace("127.0.0.1:8080", f"127.0.0.1:{self.gateway.port}")
        typed = typed.replace("127.0.0.1:8081", f"127.0.0.1:{self.gateway.admin_port}")
        path = f"export PATH={harness.BUILD}:{ROOT}/build/tools/bin:$PATH; "
        done = subprocess.run(
            ["bash", "-c", path + typed], cwd=ROOT, stdin=subprocess.DEVNULL, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )  # fmt: skip
        if not as_pattern(expected).fullmatch(done.stdout.strip()):
            self.fail(f"$ {command}\nprinted\n{done.stdout}\nnot\n{expected}")


def add_pages():
    pages = [ROOT / "README.md", ROOT / "demo/README.md", *(ROOT / "docs").rglob("*.md")]
    for page in sorted(pages):
        if page.exists() and _BLOCK.search(page.read_text(encoding="utf-8")):
            name = "test_" + re.sub(r"\W+", "_", str(page.relative_to(ROOT)))
            setattr(Documentation, name, lambda self, page=page: self.type_page(page))


add_pages()

if __name__ == "__main__":
    unittest.main()
