"""The table of HTTP/1.1 messages (src/http/testdata/http1_requests.txt), as bytes."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "src/http/testdata/http1_requests.txt"
# The limits that the table's cases trip, as settings of a gateway.
LIMITS = {"header_bytes_max": 1024, "header_count_max": 8, "url_bytes_max": 256}
ESCAPE = re.compile(r"\\(?:\{(\d+)\*(.*?)\}|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
PLAIN = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}


@dataclass(frozen=True)
class Message:
    line: int  # where it stands in the table
    text: str  # as it is written there, one line
    expected: tuple[str, ...]  # what the parser makes of it, one line a request

    @property
    def sent(self) -> bytes:
        return unescaped(self.text).encode("latin-1")


def unescaped(text: str) -> str:
    """\\r \\n \\t \\\\ \\xHH, and \\{N*TEXT} for N times TEXT."""

    def one(match: re.Match) -> str:
        count, repeated, byte, plain = match.groups()
        if count:
            return unescaped(repeated) * int(count)
        return chr(int(byte, 16)) if byte else PLAIN[plain]

    return ESCAPE.sub(one, text)


def read_table() -> list[Message]:
    """Cases stand between empty lines: lines of input, joined, then "-> RESULT" lines."""
    messages: list[Message] = []
    first, text, expected = 0, "", []
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], 1):
        if line and not line.startswith("#"):
            if line.startswith("-> "):
                expected.append(line[3:])
            else:
                first = first or number
                text += line
        elif text:
            messages.append(Message(first, text, tuple(expected)))
            first, text, expected = 0, "", []
    return messages
