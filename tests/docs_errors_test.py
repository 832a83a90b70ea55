"""docs/reference/errors.md says what the failure table in src/base/failure.cc says."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "src/base/failure.cc"
PAGE = ROOT / "docs/reference/errors.md"

_CODE = re.compile(r'\{Code::\w+, "(\w+)", "(\w+)", (\d+)\}')
_REASON = re.compile(
    r'\{Reason::\w+,\s*"(\w+)",\s*"([^"]+)",\s*(\w+),\s*(\d+),\s*Remedy::\w+,\s*(true|false)\}'
)
_SECTION = re.compile(r"^### (\w+)\n\n(\d+), (\w+): ([^\n]+)\.\n\n(.+?)(?=^#|\Z)", re.M | re.S)


def table() -> tuple[dict, dict, set]:
    """Sections for reasons and for codes, name to (status, code, title); which reasons close."""
    text = TABLE.read_text(encoding="utf-8")
    codes = {name: (connect, int(status)) for name, connect, status in _CODE.findall(text)}
    snake = {name.replace("_", "").lower(): name for name in codes}
    reasons, closing = {}, set()
    for name, title, code, status, closes in _REASON.findall(text):
        code = snake[code.lower()]
        reasons[name] = (int(status) or codes[code][1], code, title)
        if closes == "true":
            closing.add(name)
    del codes["OK"]
    by_code = {
        connect: (status, name, connect.replace("_", " ").capitalize())
        for name, (connect, status) in codes.items()
    }
    return reasons, by_code, closing


def sections(text: str) -> dict:
    """Name to (status, code, title), and what is said about it."""
    return {
        name: ((int(status), code, title), " ".join(said.split()))
        for name, status, code, title, said in _SECTION.findall(text)
    }


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.reasons, cls.codes, cls.closing = table()
        before, after = PAGE.read_text(encoding="utf-8").split("\n## Codes\n")
        cls.told_reasons, cls.told_codes = sections(before), sections(after)

    def test_the_table_was_understood(self):
        text = TABLE.read_text(encoding="utf-8")
        self.assertEqual(len(self.reasons), len(re.findall(r"\{Reason::(?!None)", text)))
        self.assertEqual(len(self.codes), 16)

    def test_every_heading_is_a_section(self):
        headings = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.M)
        self.assertEqual(headings, [*self.told_reasons, *self.told_codes])

    def test_reasons_are_those_of_the_table(self):
        told = {name: head for name, (head, _) in self.told_reasons.items()}
        self.assertEqual(told, self.reasons)

    def test_codes_are_those_of_the_table(self):
        told = {name: head for name, (head, _) in self.told_codes.items()}
        self.assertEqual(told, self.codes)

    def test_sections_say_which_reasons_close_the_connection(self):
        told = {n for n, (_, said) in self.told_reasons.items() if "the connection ends" in said}
        self.assertEqual(told, self.closing)


if __name__ == "__main__":
    unittest.main()
