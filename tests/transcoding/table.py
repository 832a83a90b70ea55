"""The cases: plain text tables, in the format that README.md describes."""

import re
from dataclasses import dataclass, field
from pathlib import Path

CASES = Path(__file__).parent / "cases"

_REQUEST = re.compile(r"^([!-~]+) ((?:/|http://)[!-~]*|\*)$")
_FIELD = re.compile(r"^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*)$")
_STATUS = re.compile(r"^([1-5][0-9x]{2}|000)( ([1-5][0-9x]{2}|000))*$")
_EXPECTED = ("call", "metadata", "no", "deadline", "error", "details", "json", "item", "absent",
             "body", "body-hex", "nothing", "has", "says")  # fmt: skip


class TableError(Exception):
    """A table that is not written as README.md says; the text has file and line."""


@dataclass
class Outcome:
    """One allowed way for a case to go. Each line is (word, rest); fields of the answer are
    ("field", "name: value"), the status is ("status", "400 404")."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [rest for one, rest in self.lines if one == word]

    def one(self, word: str) -> str | None:
        return next(iter(self.all(word)), None)

    def __str__(self) -> str:
        return "; ".join(rest if word in ("status", "field") else f"{word} {rest}".strip()
                         for word, rest in self.lines)  # fmt: skip


@dataclass
class Case:
    id: str
    group: str
    place: str  # file:line
    rules: list[str] = field(default_factory=list)
    optional: bool = False
    verb: str = ""
    target: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    typed: bool = True  # a body without a content-type gets application/json
    script: list[tuple[str, str]] = field(default_factory=list)  # what the upstream does
    outcomes: list[Outcome] = field(default_factory=list)


def load(folder: Path = CASES) -> list[Case]:
    """Every case of every table, in the order of the files' names; ids are unique."""
    cases, seen = [], {}
    for path in sorted(folder.glob("*.txt")):
        for case in read(path.read_text(encoding="utf-8"), path.stem[3:], path.name):
            if case.id in seen:
                raise TableError(f"{case.place}: {case.id} is at {seen[case.id]} already")
            seen[case.id] = case.place
            cases.append(case)
    return cases


def read(text: str, group: str, name: str = "table") -> list[Case]:
    cases, block, start = [], [], 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line:
            start = start if block else number
            block.append(line)
            continue
        if any(not one.startswith("#") for one in block):
            cases += _cases(block, group, f"{name}:{start}")
        block = []
    return cases


def _cases(block: list[str], group: str, place: str) -> list[Case]:
    """The case of a block, or those of its rows."""
    lines = [line for line in block if not line.startswith("#")]
    rows = [_cells(line) for line in lines if line.startswith("| ")]
    lines = [line for line in lines if not line.startswith("| ")]
    if not rows:
        return [_case(lines, group, place)]
    names, *rows = rows
    for row in rows:
        if len(row) != len(names):
            raise TableError(f"{place}: a row of {len(row)} cells under {len(names)} names: {row}")
    return [_case([_filled(line, names, row) for line in lines], group, place) for row in rows]


def _cells(line: str) -> list[str]:
    """`| a | b` is a and b; a bar at the end stands before an empty cell."""
    return [cell.strip() for cell in re.split(r"(?<= )\|(?= |$)", line[1:])]


def _filled(line: str, names: list[str], row: list[str]) -> str:
    for name, value in zip(names, row, strict=True):
        line = line.replace(f"$({name})", value)
    return line


def _case(lines: list[str], group: str, place: str) -> Case:
    case = Case(id="", group=group, place=place)
    case.outcomes.append(Outcome())
    for line in lines:
        try:
            _take(case, line)
        except ValueError as error:
            raise TableError(f"{place}: {line!r}: {error}") from error
    if not (case.id and case.rules and case.verb):
        raise TableError(f"{place}: a case has an id, a rule and a request")
    for outcome in case.outcomes:
        if len(outcome.all("status")) != 1:
            raise TableError(f"{place}: {case.id}: each outcome has one line of statuses")
    return case


def _take(case: Case, line: str):
    word, _, rest = line.partition(" ")
    if not case.verb:
        _take_head(case, line, word, rest)
    elif word == "<":
        case.body = rest.encode() if case.body is None else case.body + b"\n" + rest.encode()
    elif word == "<hex":
        case.body = (case.body or b"") + bytes.fromhex(rest)
    elif word == "<times":
        count, text = rest.split(" ", 1)
        case.body = (case.body or b"") + text.encode() * int(count)
    elif word == ">":
        step, _, what = rest.partition(" ")
        if step not in ("message", "hex", "metadata", "trailer", "fail", "detail", "nothing"):
            raise ValueError("the upstream knows no such step")
        case.script.append((step, what))
    elif word == "=":
        case.outcomes[-1].lines.append(_expected(rest))
    elif line == "or":
        case.outcomes.append(Outcome())
    elif line == "no content-type":
        case.typed = False
    elif found := _FIELD.match(line):
        case.fields.append((found[1], found[2]))
    else:
        raise ValueError("this is no line of a case")


def _take_head(case: Case, line: str, word: str, rest: str):
    if word == "case":
        case.id = rest
    elif word == "rule":
        case.rules.append(rest)
    elif line == "optional":
        case.optional = True
    elif found := _REQUEST.match(line):
        case.verb, case.target = found[1], found[2]
    else:
        raise ValueError("expected case, rule, optional or the request line")


def _expected(line: str) -> tuple[str, str]:
    word, _, rest = line.partition(" ")
    if _STATUS.match(line):
        return "status", line
    if word in _EXPECTED:
        return word, rest
    if _FIELD.match(line):
        return "field", line
    raise ValueError("this is no expectation")
