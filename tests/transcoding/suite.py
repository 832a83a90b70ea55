"""Runs cases against a gateway, and says what came of them."""

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from .client import ask
from .contract import Contract
from .table import Case
from .upstream import Upstream
from .verdict import judge, shown


@dataclass
class Result:
    case: Case
    wrong: list[str]
    got: str
    answered: bool = True

    @property
    def passed(self) -> bool:
        return not self.wrong


@dataclass
class Tally:
    """Of one group, or of all: the numbers of cases that passed, and of all."""

    required: int = 0
    required_all: int = 0
    optional: int = 0
    optional_all: int = 0

    def count(self, result: Result):
        if result.case.optional:
            self.optional_all += 1
            self.optional += result.passed
        else:
            self.required_all += 1
            self.required += result.passed


@dataclass
class Report:
    results: list[Result] = field(default_factory=list)

    @property
    def groups(self) -> dict[str, Tally]:
        groups: dict[str, Tally] = {}
        for result in self.results:
            groups.setdefault(result.case.group, Tally()).count(result)
        return groups

    @property
    def total(self) -> Tally:
        total = Tally()
        for result in self.results:
            total.count(result)
        return total

    def failed(self, *, optional: bool) -> list[Result]:
        return [r for r in self.results if not r.passed and r.case.optional == optional]


class Suite:
    """Cases for the gateway at a URL, whose upstream is `upstream`. One case runs at a time."""

    def __init__(self, contract: Contract, upstream: Upstream, url: str):
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url} is no http://HOST:PORT")
        self._contract, self._upstream = contract, upstream
        self._host, self._port = parts.hostname, parts.port or 80

    def run(self, cases: Iterable[Case]) -> Report:
        return Report([self.run_one(case) for case in cases])

    def run_one(self, case: Case) -> Result:
        self._upstream.play(case)
        answer = ask(case, self._host, self._port)
        calls = self._upstream.calls
        wrong = judge(self._contract, case, calls, answer)
        got = shown(self._contract, calls, answer) if wrong else ""
        return Result(case, wrong, got, answered=answer.status > 0)

    def await_upstream(self, seconds: float = 30):
        """Until the gateway reaches the upstream; SystemExit when it does not."""
        deadline = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > deadline:
                raise SystemExit(f"GET /v1/literal did not reach the upstream in {seconds} s")
            time.sleep(0.1)

    def _answers(self) -> bool:
        probe = Case("probe", "", "", verb="GET", target="/v1/literal")
        self._upstream.play(probe)
        return ask(probe, self._host, self._port).status == 200 and bool(self._upstream.calls)


def chosen(cases: list[Case], pattern: str) -> list[Case]:
    """Those whose id or group is like the pattern, with `*` and `?`."""
    return [c for c in cases if fnmatchcase(c.id, pattern) or fnmatchcase(c.group, pattern)]


def print_report(report: Report, *, optional: bool):
    """Each failure, then the numbers. `optional`: failures of optional cases, too."""
    failed = report.failed(optional=False)
    if optional:
        failed += report.failed(optional=True)
    for result in failed:
        print(failure(result), end="\n\n")
    rows = [("group", "required", "optional")]
    for name, tally in [*report.groups.items(), ("all", report.total)]:
        rows.append((name, f"{tally.required}/{tally.required_all}",
                     f"{tally.optional}/{tally.optional_all}"))  # fmt: skip
    for row in rows:
        print("{:<12} {:>9} {:>9}".format(*row))


def failure(result: Result) -> str:
    case = result.case
    lines = [
        f"FAILED {case.id}{' (optional)' if case.optional else ''}  {case.place}",
        *(f"  rule      {rule}" for rule in case.rules),
        f"  request   {case.verb} {case.target}",
        *(f"            {name}: {value}" for name, value in case.fields),
    ]
    if case.body is not None:
        lines.append(f"  body      {case.body[:300].decode('utf-8', 'backslashreplace')}")
    lines += [f"  upstream  {step} {rest}" for step, rest in case.script]
    words = ["expected"] + ["or"] * len(case.outcomes)
    lines += [f"  {word:<9} {outcome}" for word, outcome in zip(words, case.outcomes)]
    lines += [f"  got       {result.got}", f"  wrong     {'; '.join(result.wrong)}"]
    return "\n".join(lines)


def print_json(report: Report):
    """A line a case, and one of the totals."""
    for result in report.results:
        case = result.case
        print(json.dumps({
            "id": case.id, "group": case.group, "rules": case.rules, "optional": case.optional,
            "passed": result.passed, "wrong": result.wrong, "got": result.got,
        }))  # fmt: skip
    print(json.dumps({"total": vars(report.total)}))
    sys.stdout.flush()
