"""bench/run: arguments, the measuring lock, signals, exit codes."""

import argparse
import contextlib
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from codec import install as codec_install
from codec import measure as codec
from codec import report as codec_report

from . import idle, install, neighbour, profile, report, shards, start
from .measure import DIRECT, Pace, measure, terminal_progress
from .peers import Peer, all_peers
from .places import PARLEY, WORK
from .scenarios import SCENARIOS, Scenario, by_name

OTHERS = (codec, idle, neighbour, profile, shards, start)  # beside the scenarios
REQUIRED = ("curl", "h2load", "openssl", "protoc", "setpriv", "taskset")


def main(arguments: list[str]) -> int:
    """0: measured (a goal that is missed is a result); 1: an answer was wrong, a peer failed, or
    the set-up did; 2: usage."""
    options = parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_everything)
    missing = [name for name in REQUIRED if shutil.which(name) is None]
    if missing:
        return complain(f"missing: {', '.join(missing)}; bench/packages.txt names the packages")
    with measuring_alone():
        try:
            set_up(options.scenarios)
        except (install.StepFailed, subprocess.CalledProcessError) as error:
            return complain(str(error))
        return 0 if options.setup else measure_all(options)


def set_up(scenarios: list[str]) -> None:
    if set(scenarios) != {codec.NAME}:
        install.set_up()
    if neighbour.NAME in scenarios:
        install.set_up_neighbour()
    if codec.NAME in scenarios:
        codec_install.set_up()


def parse(arguments: list[str]) -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    lines = [(s.name, s.what) for s in SCENARIOS]
    lines += [(other.NAME, other.WHAT) for other in OTHERS]
    peers = [name for name in (*all_peers(), DIRECT) if name != "parley"]
    parser = argparse.ArgumentParser(
        prog="bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="CPU per request of Parley beside its peers, over one canned upstream.",
        epilog="scenarios:\n" + "".join(f"  {name:12} {what}\n" for name, what in lines),
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=f"default: all but {profile.NAME}, which needs root")
    parser.add_argument("--peer", action="append", metavar="NAME", choices=peers,
                        help=f"only these beside Parley: {', '.join(peers)} (repeatable)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--parley", type=Path, default=PARLEY, metavar="PATH")
    parser.add_argument("--rounds", type=int, default=Pace.rounds, metavar="N")
    parser.add_argument("--seconds", type=float, default=Pace.run_seconds, metavar="S",
                        help="longest run of one peer (default: %(default)s)")
    parser.add_argument("--count", action="store_true",
                        help="codec: instructions a byte, too, by cachegrind (minutes)")
    parser.add_argument("--setup", action="store_true", help="only install and build the peers")
    options = parser.parse_args(arguments)
    known = [name for name, _ in lines]
    for name in options.scenarios:
        if name not in known:
            parser.error(f"no scenario {name!r}; there are {', '.join(known)}")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds are above zero")
    options.chosen = set(options.peer or peers)
    options.scenarios = options.scenarios or default_scenarios(names, bool(options.peer))
    return options


def default_scenarios(measuring_speed: list[str], peers_are_named: bool) -> list[str]:
    """Gateways that are named have no part in those of Parley, or of codecs, alone."""
    with_peers = [*measuring_speed, idle.NAME, neighbour.NAME]
    return with_peers if peers_are_named else [*with_peers, shards.NAME, start.NAME, codec.NAME]


def measure_all(options: argparse.Namespace) -> int:
    raise_file_limit()
    peers = all_peers(options.parley.absolute())
    pace = Pace(rounds=options.rounds, run_seconds=options.seconds)
    if not options.json:
        print(machine(), flush=True)
    failures = 0
    for name in options.scenarios:
        if name == codec.NAME:
            failures += try_codec(options)
        elif name == neighbour.NAME:
            failures += try_neighbours(options, peers)
        elif name == idle.NAME:
            failures += try_many(idle, options, peers, options.chosen)
        elif name == shards.NAME:
            failures += try_shards(options, peers)
        elif name == start.NAME:
            failures += try_many(start, options, options.parley.absolute())
        elif name == profile.NAME:
            failures += try_many(profile, options, peers, profile.PROFILED)
        else:
            failures += measure_one(by_name(name), options, peers, pace)
    return 1 if failures else 0


def measure_one(scenario: Scenario, options: argparse.Namespace, peers: dict[str, Peer],
                pace: Pace) -> int:
    """The number of peers that failed."""
    progress = terminal_progress(scenario.name)
    entrants = measure(scenario, peers, options.chosen, pace, progress)
    progress("")
    if options.json:
        print("\n".join(report.json_lines(scenario, entrants)), flush=True)
    else:
        print("\n" + report.table(scenario, entrants), flush=True)
    return sum(entrant.failed is not None for entrant in entrants)


def try_many(other, options: argparse.Namespace, *arguments) -> int:
    """One of the modules that measure something else than speed, and give a list: how many of its
    results failed."""
    progress = terminal_progress(other.NAME)
    results = other.measure(*arguments, progress)
    progress("")
    if options.json:
        print("\n".join(other.json_lines(results)), flush=True)
    else:
        print("\n" + other.report(results), flush=True)
    return sum(result.failed is not None for result in results)


def try_codec(options: argparse.Namespace) -> int:
    progress = terminal_progress(codec.NAME)
    results = codec.measure(options.rounds, options.count, progress)
    progress("")
    if options.json:
        print("\n".join(codec_report.json_lines(results)), flush=True)
    else:
        print("\n" + codec_report.report(results), flush=True)
    return sum(result.failed is not None for result in results)


def try_shards(options: argparse.Namespace, peers: dict[str, Peer]) -> int:
    progress = terminal_progress(shards.NAME)
    result = shards.measure(peers, progress)
    progress("")
    print(shards.json_line(result) if options.json else "\n" + shards.report(result), flush=True)
    return int(result.failed is not None)


def try_neighbours(options: argparse.Namespace, peers: dict[str, Peer]) -> int:
    """The number of gateways that failed; for Parley, a lost request is a failure, too."""
    progress = terminal_progress(neighbour.NAME)
    results = neighbour.measure(peers, options.chosen, progress)
    progress("")
    if options.json:
        print("\n".join(neighbour.json_lines(results)), flush=True)
    else:
        print("\n" + neighbour.report(results), flush=True)
    return sum(
        result.failed is not None or (result.peer == "parley" and any(result.lost.values()))
        for result in results
    )


def machine() -> str:
    busy = os.getloadavg()[0]
    return f"{len(os.sched_getaffinity(0))} CPUs, load average {busy:.2f} at the start"


@contextlib.contextmanager
def measuring_alone() -> Iterator[None]:
    """Two measurements at once would measure each other."""
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            install.say("another benchmark runs here: waiting for its end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop_everything(number: int, _) -> None:
    """Leaves through every `with`, which stops what was started; a second signal is ignored."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def complain(text: str) -> int:
    print(f"bench: {text}", file=sys.stderr)
    return 1
