"""From results to tables, verdicts and JSON lines."""

import json
from dataclasses import dataclass

from gateway.report import aligned

from . import shapes
from .candidates import BOTH, TO_JSON, TO_WIRE
from .measure import NAME, Result

# Parley's throughput by that of the best peer of the same run, at least.
GOALS = {
    TO_WIRE: {"user": 2.0, "users100": 2.0, "deep": 2.0, "numbers": 1.7, "text": 1.2},
    TO_JSON: {"user": 2.0, "users100": 2.0, "deep": 2.0, "numbers": 2.0, "text": 1.7},
}
# The best peer of each shape is one of these: without them all, a goal met would say nothing.
CONTENDERS = {"upb", "pbjson", "prost-reflect"}
TITLES = {TO_WIRE: "JSON to wire", TO_JSON: "wire to JSON"}


@dataclass(frozen=True)
class Verdict:
    direction: str
    shape: str
    at_least: float
    peer: str | None  # the best one
    ratio: float | None  # None: Parley or a contender was not measured

    @property
    def met(self) -> bool | None:
        return None if self.ratio is None else self.ratio >= self.at_least

    def sentence(self) -> str:
        goal = f"goal: {self.shape}, at least {self.at_least:.1f} times the best peer: "
        if self.ratio is None:
            return goal + "not measured"
        return goal + f"{self.ratio:.2f} of {self.peer}, {'met' if self.met else 'MISSED'}"


def verdicts(results: list[Result], direction: str) -> list[Verdict]:
    return [verdict(results, direction, shape, at_least)
            for shape, at_least in GOALS[direction].items()]


def verdict(results: list[Result], direction: str, shape: str, at_least: float) -> Verdict:
    times = {result.candidate.name: result.nanoseconds[shape] for result in results
             if result.direction == direction and shape in result.nanoseconds
             and not result.candidate.floor}
    parley = times.pop("parley", None)
    if parley is None or not CONTENDERS <= times.keys():
        return Verdict(direction, shape, at_least, None, None)
    peer = min(times, key=times.get)
    return Verdict(direction, shape, at_least, peer, times[peer] / parley)


def report(results: list[Result]) -> str:
    lines = [f"{NAME}: MB/s of JSON, by CPU time; the best of many short samples"]
    for direction in BOTH:
        mine = [result for result in results if result.direction == direction]
        lines += ["", *table(TITLES[direction], mine, megabytes_per_second, 0)]
        if any(result.instructions_per_byte for result in mine):
            title = "instructions per byte"
            lines += ["", *table(title, mine, lambda r: r.instructions_per_byte, 2)]
        lines += [f"  {reason}" for result in mine if (reason := missing(result))]
        lines += [f"  {each.sentence()}" for each in verdicts(results, direction)]
    return "\n".join(lines)


def table(title: str, results: list[Result], figures, digits: int) -> list[str]:
    """`figures`: of a result, by shapes."""
    rows = [[f"{result.candidate.name} ({result.candidate.what})",
             *(cell(figures(result).get(shape), digits) for shape in shapes.NAMES)]
            for result in results if figures(result)]
    return aligned([[title, *shapes.NAMES], *rows])


def cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def megabytes_per_second(result: Result) -> dict[str, float]:
    """Bytes by nanoseconds are gigabytes by seconds."""
    size = shapes.json_bytes()
    return {shape: size[shape] / time * 1e3 for shape, time in result.nanoseconds.items()}


def missing(result: Result) -> str | None:
    if result.absent is not None:
        return f"{result.candidate.name}: absent: {result.absent}"
    return f"{result.candidate.name}: FAILED: {result.failed}" if result.failed else None


def json_lines(results: list[Result]) -> list[str]:
    return [json.dumps(record(result, results)) for result in results]


def record(result: Result, results: list[Result]) -> dict:
    found: dict = {"scenario": NAME, "direction": result.direction,
                   "peer": result.candidate.name, "floor": result.candidate.floor}
    for name in ("absent", "failed"):
        if getattr(result, name) is not None:
            found[name] = getattr(result, name)
    if result.nanoseconds:
        found["mb_per_second"] = rounded(megabytes_per_second(result), 1)
        found["cpu_ns_per_message"] = rounded(result.nanoseconds, 1)
    if result.instructions_per_byte:
        found["instructions_per_byte"] = rounded(result.instructions_per_byte, 3)
    if result.candidate.name == "parley":
        found["goals"] = {each.shape: goal(each) for each in verdicts(results, result.direction)}
    return found


def rounded(figures: dict[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in figures.items()}


def goal(each: Verdict) -> dict:
    ratio = None if each.ratio is None else round(each.ratio, 3)
    return {"peer": each.peer, "ratio": ratio, "ratio_at_least": each.at_least, "met": each.met}
