"""Instructions per byte of JSON: of the processor's counter where perf may use it, else, when asked
for, of cachegrind. Both as the difference of two runs, so that the start does not count."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from gateway.measure import Progress

from . import shapes
from .places import DATA, MADE

# Messages of the shorter run; the longer one has twice as many.
TIMES = {"user": 200, "users100": 5, "deep": 50, "numbers": 1, "text": 1}
PERF_TIMES = 20  # as many, where it costs nothing
LIMIT_SECONDS = 300.0


def count(result, slowly: bool, progress: Progress) -> None:
    """Fills in result.instructions_per_byte, or leaves it empty."""
    by_perf = perf_counts()
    if not by_perf and (not slowly or result.candidate.collects or not valgrind_is_there()):
        return
    size = shapes.json_bytes()
    for shape in shapes.NAMES:
        if shape in result.good:
            progress(f"counting instructions: {result.case(shape)}")
            each = per_message(result, shape, by_perf)
            result.instructions_per_byte[shape] = each / size[shape]


def per_message(result, shape: str, by_perf: bool) -> float:
    times = TIMES[shape] * (PERF_TIMES if by_perf else 1)
    once = instructions(result, shape, times, by_perf)
    return (instructions(result, shape, 2 * times, by_perf) - once) / times


def instructions(result, shape: str, times: int, by_perf: bool) -> int:
    candidate = result.candidate
    program = candidate.program if by_perf else stripped(candidate.program)
    command = [str(program), str(DATA), "repeat", str(times), result.case(shape)]
    counted = counted_by_perf if by_perf else counted_by_cachegrind
    return counted(command, {**os.environ, **candidate.environment})


def counted_by_perf(command: list[str], environment: dict[str, str]) -> int:
    done = subprocess.run(["perf", "stat", "-x", ",", "-e", "instructions:u", *command],
                          capture_output=True, text=True, env=environment, check=False)
    return perf_number(done.stderr) or 0


def perf_number(text: str) -> int | None:
    """Of perf's line `number,unit,event,...`; None: this machine does not count."""
    line = next((line for line in text.splitlines() if "instructions" in line), "")
    number = line.partition(",")[0]
    return int(number) if number.isdigit() else None


@functools.cache
def perf_counts() -> bool:
    if shutil.which("perf") is None:
        return False
    return counted_by_perf(["true"], dict(os.environ)) > 0


def valgrind_is_there() -> bool:
    return shutil.which("valgrind") is not None


def counted_by_cachegrind(command: list[str], environment: dict[str, str]) -> int:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no",
                "--cachegrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *command], capture_output=True, text=True, env=environment,
                          errors="replace", check=True, timeout=LIMIT_SECONDS)
    return cachegrind_number(done.stderr)


def cachegrind_number(text: str) -> int:
    """Of valgrind's line `==1== I refs: 1,234`. REQUIRES: there is one."""
    line = next(line for line in text.splitlines() if "refs:" in line)
    return int(line.rpartition(":")[2].strip().replace(",", ""))


@functools.cache
def stripped(program: Path) -> Path:
    """A copy without debug information, which valgrind would read for minutes."""
    copy = MADE / "stripped" / program.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    strip = shutil.which("llvm-strip-19") or "strip"
    subprocess.run([strip, "-g", "-o", str(copy), str(program)], check=True)
    return copy
