"""Checks every answer, then times: each shape by all candidates in turn, again and again; of all
samples the least counts.

What a message costs is the CPU time of the process. The speed of a shared machine moves from minute
to minute; short samples, many of them, and all candidates within seconds of each other are what
makes two figures of one run comparable."""

import itertools
import os
import subprocess
import tempfile
from dataclasses import dataclass, field

from gateway.measure import Progress
from gateway.processes import cpus, pinned

from . import counting, shapes
from .candidates import BOTH, CANDIDATES, Candidate
from .places import DATA, PROTOBUF

NAME = "codec"
WHAT = "the codec alone: JSON to protobuf and back beside the best libraries, MB/s"
SAMPLES = 3  # a turn
TURNS = 4  # of each candidate with each shape, a round
SAMPLE_MILLISECONDS = 10
COLLECTED_MILLISECONDS = 80
LIMIT_SECONDS = 120.0  # of one program
# What is freed stays with the process, as it does in one that has run for long: else who allocates
# much would pay for fresh pages with each message.
KEPT_HEAP = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


@dataclass
class Result:
    """Of one candidate in one direction, by shapes. A shape whose answer was wrong has no figures,
    and is named in `failed`."""

    candidate: Candidate
    direction: str
    absent: str | None = None
    failed: str | None = None
    good: set[str] = field(default_factory=set)
    nanoseconds: dict[str, float] = field(default_factory=dict)
    instructions_per_byte: dict[str, float] = field(default_factory=dict)

    def case(self, shape: str) -> str:
        return f"{self.candidate.name}/{self.direction}/{shape}"

    def note_time(self, shape: str, nanoseconds: float) -> None:
        self.nanoseconds[shape] = min(nanoseconds, self.nanoseconds.get(shape, nanoseconds))

    def drop(self, shape: str, why: str) -> None:
        self.good.discard(shape)
        self.nanoseconds.pop(shape, None)
        self.failed = "; ".join(filter(None, (self.failed, f"{shape}: {why}")))


def measure(rounds: int, count: bool, progress: Progress) -> list[Result]:
    """`count`: instructions, too, even if that is slow."""
    results = [Result(candidate, direction, absent=candidate.absent())
               for candidate in CANDIDATES for direction in candidate.directions]
    there = [result for result in results if result.absent is None]
    for result in there:
        progress(f"{result.candidate.name}: checking its answers, {result.direction}")
        check(result)
    turns = rounds * TURNS
    for turn, direction, shape in itertools.product(range(turns), BOTH, shapes.NAMES):
        progress(f"turn {turn + 1}/{turns}: {direction}, {shape}")
        for result in (each for each in there if each.direction == direction):
            take_turn(result, shape)
    for result in there:
        counting.count(result, count, progress)
    return results


def check(result: Result) -> None:
    for shape in shapes.NAMES:
        why = None if result.candidate.floor else problem(result, shape)
        if why is None:
            result.good.add(shape)
        else:
            result.drop(shape, why)


def problem(result: Result, shape: str) -> str | None:
    """What is wrong with the answer, by protobuf."""
    with tempfile.NamedTemporaryFile(prefix="codec-") as file:
        command = [str(result.candidate.program), str(DATA), "answer", result.case(shape)]
        answered = run(command, result.candidate, stdout=file)
        if answered.returncode != 0:
            return f"no answer: {last_line(answered.stderr)}"
        judge = [str(PROTOBUF), str(DATA), "check", result.direction, shape, file.name]
        judged = run(judge, result.candidate, stdout=subprocess.DEVNULL)
        return None if judged.returncode == 0 else f"wrong: {last_line(judged.stderr)}"


def run(command: list[str], candidate: Candidate, stdout) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, **KEPT_HEAP, **candidate.environment}, check=False,
                              timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, -1, "", f"took over {error.timeout:.0f} s")


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word")


def take_turn(result: Result, shape: str) -> None:
    """In a process of its own: what other cases leave behind in the heap can double a figure."""
    if shape not in result.good:
        return
    candidate = result.candidate
    milliseconds = COLLECTED_MILLISECONDS if candidate.collects else SAMPLE_MILLISECONDS
    command = [str(candidate.program), str(DATA), "time", str(milliseconds), str(SAMPLES),
               result.case(shape)]
    timed = run(pinned(cpus()[0], command), candidate, stdout=subprocess.PIPE)
    if timed.returncode == 0:
        result.note_time(shape, float(timed.stdout))
    else:
        result.drop(shape, f"not timed: {last_line(timed.stderr)}")
