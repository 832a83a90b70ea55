"""The command line: see README.md."""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from . import gateways, table
from .contract import Contract
from .suite import Suite, chosen, print_json, print_report
from .upstream import Upstream

USAGE = """Runs the transcoding suite against a gateway: Parley, started for it, or the one at URL,
whose upstream must be at --upstream and whose contract is that of --descriptors."""


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.peers and options.only != "*":
        parser().error("--peers compares all cases")
    contract = Contract()
    if options.descriptors:
        Path(options.descriptors).write_bytes(contract.descriptors)
        return 0
    cases = chosen(table.load(), options.only)
    if not cases:
        print(f"no case is like {options.only!r}", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{one.id}  {'; '.join(one.rules)}" for one in cases))
        return 0
    if options.peers:
        from . import peers  # it needs the benchmark's installer

        return peers.compare(contract, cases, options.peers)
    report = run(contract, cases, options.target, options.upstream)
    if options.json:
        print_json(report)
    else:
        print_report(report, optional=options.optional)
    return 1 if report.failed(optional=False) else 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev transcoding", description=USAGE)
    add = parser.add_argument
    add("--target", metavar="URL", help="the gateway's http://HOST:PORT; without it, Parley's own")
    add("--upstream", metavar="HOST:PORT", default="127.0.0.1:50051",
        help="where the suite's upstream listens for --target (%(default)s)")
    add("--only", metavar="PATTERN", default="*", help="cases or groups whose name is like this")
    add("--optional", action="store_true", help="show failures of optional cases, too")
    add("--json", action="store_true", help="a line of JSON for each case, and one of the totals")
    add("--list", action="store_true", help="the cases and their rules; runs nothing")
    add("--descriptors", metavar="FILE",
        help="write the contract's FileDescriptorSet; runs nothing")
    add("--peers", metavar="FILE", nargs="?", const="docs/transcoding.md",
        help="run Parley, Envoy, grpc-gateway and vanguard-go, and write the comparison to FILE")
    return parser


def run(contract: Contract, cases: list[table.Case], target: str | None, address: str):
    with contextlib.ExitStack() as stack:
        upstream = Upstream(contract, address if target else "127.0.0.1:0")
        stack.callback(upstream.stop)
        if not target:
            descriptors = stack.enter_context(tempfile.NamedTemporaryFile(suffix=".binpb"))
            Path(descriptors.name).write_bytes(contract.descriptors)
            gateway = gateways.parley(upstream.address, Path(descriptors.name))
            stack.callback(gateway.stop)
            target = gateway.url
        suite = Suite(contract, upstream, target)
        suite.await_upstream()
        return suite.run(cases)
