"""The files of the checkout, and C++ read just well enough to check its shape."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Not ours, or not source.
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", "testdata", "dist"}
# Published contracts that we carry as they are.
CARRIED = ("proto/google/",)

CPP = (".cc", ".h")
_TEST_NAME = re.compile(r"_(?:test|fake|fuzz|bench)\.\w+$")

_TOKEN = re.compile(
    r"""
    (?P<comment> //(?:[^\n\\]|\\.|\\\n)* | /\*.*?\*/ )
  | (?P<raw> \b(?:u8|u|U|L)?R"(?P<mark>[^()\s\\"]{0,16})\(.*?\)(?P=mark)" )
  | (?P<string> "(?:[^"\\\n]|\\.)*" )
  | (?P<number> (?<!\w)\.?\d(?:'?[\w.])* )
  | (?P<char> '(?:[^'\\\n]|\\.)+' )
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, order=True)
class Problem:
    path: str
    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}; {self.instead}"


class Source:
    """One text file. Lines count from 1."""

    def __init__(self, path: str, text: str):
        self.path = path
        self.text = text
        self.lines = text.split("\n")

    @property
    def is_cpp(self) -> bool:
        return self.path.endswith(CPP)

    @property
    def is_test(self) -> bool:
        """Tests, and what is only built for them."""
        return self.path.startswith("tests/") or bool(_TEST_NAME.search(self.path))

    @cached_property
    def is_python(self) -> bool:
        return self.path.endswith(".py") or re.match(r"#!.*\bpython3?\b", self.lines[0]) is not None

    @cached_property
    def is_shell(self) -> bool:
        return self.path.endswith(".sh") or re.match(r"#!.*\b(ba)?sh\b", self.lines[0]) is not None

    @cached_property
    def code(self) -> str:
        """The text with comments and the insides of literals blanked, each character in place."""

        def blank(token: re.Match) -> str:
            if token.lastgroup == "number":
                return token.group()
            return re.sub(r"[^\n]", " ", token.group())

        return _TOKEN.sub(blank, self.text)

    @cached_property
    def raw_string_lines(self) -> set[int]:
        """The lines that begin inside a raw string: no formatter can shorten them."""
        lines = set()
        for token in _TOKEN.finditer(self.text):
            if token.group("raw"):
                first = self.line_of(token.start())
                lines.update(range(first + 1, first + token.group().count("\n") + 1))
        return lines

    def line_of(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def allows(self, name: str, line: int) -> bool:
        """Whether this line, or the one above it, carries a reasoned exception."""
        above = self.lines[max(line - 2, 0) : line]
        return any(re.search(rf"(//|#) tidy: allow {name}: \S", text) for text in above)


class Tree:
    """The checkout below `root`."""

    def __init__(self, root: Path):
        self.root = root

    @cached_property
    def files(self) -> list[str]:
        """All files, as paths from the root, testdata included."""
        found = []
        for folder, names, files in os.walk(self.root):
            names[:] = [n for n in names if n not in SKIPPED_FOLDERS - {"testdata"}]
            # `.git` is a file where the checkout is a second worktree.
            files = [os.path.join(folder, f) for f in files if f != ".git"]
            found += [os.path.relpath(path, self.root) for path in files]
        return sorted(found)

    @cached_property
    def sources(self) -> list[Source]:
        """The text files that people write, without test data and carried files."""
        found = []
        for path in self.files:
            if path.startswith(CARRIED) or SKIPPED_FOLDERS & set(path.split("/")[:-1]):
                continue
            try:
                text = (self.root / path).read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue
            found.append(Source(path, text))
        return found

    @property
    def cpp(self) -> list[Source]:
        return [source for source in self.sources if source.is_cpp]


def closing(code: str, start: int) -> int:
    """The offset of the bracket that closes the one at `start`; the end if there is none."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    depth = 0
    for at in range(start, len(code)):
        if code[at] in pairs:
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return len(code) - 1
