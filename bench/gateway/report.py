"""From samples to figures, from figures to a table or to JSON lines."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from .measure import DIRECT, Entrant, Sample
from .scenarios import Scenario

HEAD = ("", "CPU us/req", "req/s", "p50 us", "p99 us", "RSS MiB", "core", "upstream us",
        "Parley/it")


@dataclass(frozen=True)
class Verdict:
    peer: str
    bare: bool
    at_most: float
    ratio: float | None  # None: not measured

    @property
    def met(self) -> bool | None:
        return None if self.ratio is None else self.ratio <= self.at_most


def median_of(samples: Iterable[Sample], name: str) -> float:
    return statistics.median(getattr(sample, name) for sample in samples)


def ratio(entrant: Entrant) -> float | None:
    """Parley's CPU per request by the entrant's: the median of the pairs; None without pairs."""
    pairs = zip(entrant.parley_after, entrant.samples)
    ratios = [parley.cpu_us / peer.cpu_us for parley, peer in pairs if peer.cpu_us > 0]
    return statistics.median(ratios) if ratios else None


def verdicts(scenario: Scenario, entrants: list[Entrant]) -> list[Verdict]:
    ratios = {(e.name, e.bare): ratio(e) for e in entrants}
    goals = [(peer, False, at_most) for peer, at_most in scenario.goals.items()]
    goals += [(peer, True, at_most) for peer, at_most in scenario.floor_goals.items()]
    return [
        Verdict(peer, bare, at_most, ratios.get((peer, bare))) for peer, bare, at_most in goals
    ]


def title(entrant: Entrant) -> str:
    return f"{entrant.name} (bare)" if entrant.bare else entrant.name


def cells(entrant: Entrant) -> list[str]:
    runs = entrant.samples
    share = ratio(entrant)
    # `direct` has no gateway: its CPU is the upstream's own.
    return [
        title(entrant),
        "-" if entrant.name == DIRECT else f"{median_of(runs, 'cpu_us'):.1f}",
        f"{median_of(runs, 'per_second'):,.0f}",
        f"{median_of(runs, 'p50_us'):,.0f}",
        f"{median_of(runs, 'p99_us'):,.0f}",
        "-" if entrant.name == DIRECT else f"{entrant.resident_mib:.1f}",
        "-" if entrant.name == DIRECT else f"{median_of(runs, 'busy'):.2f}",
        f"{median_of(runs, 'upstream_us'):.1f}",
        "" if share is None else f"{share:.2f}",
    ]


def table(scenario: Scenario, entrants: list[Entrant]) -> str:
    rows = [cells(entrant) for entrant in entrants if entrant.samples]
    lines = [f"{scenario.name}: {scenario.what}"]
    if rows:
        lines += aligned([list(HEAD), *rows])
    for entrant in entrants:
        if entrant.absent is not None:
            lines.append(f"  {title(entrant)}: absent: {entrant.absent}")
        if entrant.failed is not None:
            lines.append(f"  {title(entrant)}: FAILED: {entrant.failed}")
    lines += [f"  {sentence(verdict)}" for verdict in verdicts(scenario, entrants)]
    return "\n".join(lines)


def aligned(rows: list[list[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  " + "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]


def sentence(verdict: Verdict) -> str:
    peer = f"bare {verdict.peer}" if verdict.bare else verdict.peer
    goal = f"goal: at most {verdict.at_most:.2f} of {peer}'s CPU per request: "
    if verdict.ratio is None:
        return goal + "not measured"
    return goal + f"{verdict.ratio:.2f}, {'met' if verdict.met else 'MISSED'}"


def json_lines(scenario: Scenario, entrants: list[Entrant]) -> list[str]:
    goals = {(verdict.peer, verdict.bare): verdict for verdict in verdicts(scenario, entrants)}
    return [
        json.dumps(record(scenario, entrant, goals.get((entrant.name, entrant.bare))))
        for entrant in entrants
    ]


def record(scenario: Scenario, entrant: Entrant, verdict: Verdict | None) -> dict:
    found: dict = {"scenario": scenario.name, "peer": entrant.name, "bare": entrant.bare}
    for name in ("absent", "failed"):
        if getattr(entrant, name) is not None:
            found[name] = getattr(entrant, name)
    if entrant.samples:
        found |= figures(entrant)
    if verdict is not None:
        found["goal"] = {"ratio_at_most": verdict.at_most, "met": verdict.met}
    return found


def figures(entrant: Entrant) -> dict:
    """Medians over the runs. The CPU of `direct` is the upstream's own."""
    runs, share = entrant.samples, ratio(entrant)
    return {
        "cpu_us_per_request": round(median_of(runs, "cpu_us"), 3),
        "cpu_us_per_request_min": round(min(run.cpu_us for run in runs), 3),
        "requests_per_second": round(median_of(runs, "per_second"), 1),
        "p50_us": median_of(runs, "p50_us"),
        "p99_us": median_of(runs, "p99_us"),
        "rss_mib": round(entrant.resident_mib, 2),
        "core_use": round(median_of(runs, "busy"), 3),
        "upstream_cpu_us_per_request": round(median_of(runs, "upstream_us"), 3),
        "runs": len(runs),
        "requests": sum(run.requests for run in runs),
        "parley_cpu_ratio": None if share is None else round(share, 4),
    }
