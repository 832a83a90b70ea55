"""Builds the candidates into build/bench/codec, and Parley's into build/release."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from gateway import install
from gateway.install import StepFailed, run, say, step
from gateway.places import BENCH, BIN, LOGS, ROOT

from . import shapes
from .places import CODEC, CONTRACT, GO, MADE, PARLEY, PROTOBUF, RELEASE, RUST, UPB

CPP = [CODEC / "cpp", CODEC / "CMakeLists.txt", CONTRACT]
GO_MODULE = BENCH / "peers" / "go"  # its go.mod has protojson, too
JOBS = "2"  # leaves a small machine usable
PROTOC_GEN_GO = "google.golang.org/protobuf/cmd/protoc-gen-go"


def set_up() -> None:
    """Parley's program and protobuf's, which is the judge, have to be there; of the others one
    whose step fails is absent."""
    for folder in (MADE, BIN, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    step("codec protobuf", CPP, [PROTOBUF], lambda: build_cpp(PROTOBUF))
    shapes.write_all()
    build_parley()
    try_step("codec upb", [*CPP, CODEC / "upb"], UPB, build_upb)
    try_step("codec rust", [CODEC / "rust", CONTRACT], RUST, build_rust)
    try_step("codec go", [CODEC / "go", GO_MODULE, CONTRACT], GO, build_go)


def try_step(name: str, inputs: list[Path], program: Path, action: Callable[[], None]) -> None:
    try:
        step(name, inputs, [program], action)
    except (StepFailed, OSError) as error:
        program.unlink(missing_ok=True)  # one of older sources is not what was asked for
        say(f"{name}: cannot be had: {error}")


def build_parley() -> None:
    """In the gateway's own build, so with its flags."""
    if not (RELEASE / "CMakeCache.txt").is_file():
        run("codec-parley", ["cmake", "--preset", "release"], cwd=ROOT)
    run("codec-parley", ["cmake", "--build", str(RELEASE), "--target", PARLEY.name, "-j", JOBS])


def build_cpp(program: Path, *definitions: str) -> None:
    flags = [f"-march={cpu()}"] if cpu() else []
    compilers = (("C", "clang-19", "cc"), ("CXX", "clang++-19", "c++"))
    configure = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", *definitions]
    for language, wanted, other in compilers:
        configure.append(f"-DCMAKE_{language}_COMPILER={shutil.which(wanted) or other}")
        configure.append(f"-DCMAKE_{language}_FLAGS={' '.join(flags)}")
    folder = str(program.parent)
    run("codec-cpp", ["cmake", "-S", str(CODEC), "-B", folder, *configure])
    run("codec-cpp", ["cmake", "--build", folder, "--target", program.name, "-j", JOBS])


def build_upb() -> None:
    """Of protobuf's source, which a crate holds, only upb is compiled."""
    crate = MADE / "upb"
    shutil.copytree(CODEC / "upb", crate, dirs_exist_ok=True)
    run("codec-upb", ["cargo", "vendor", "--quiet", "vendor"], cwd=crate)
    build_cpp(UPB, f"-DUPB_SOURCE={crate / 'vendor' / 'protobuf-src' / 'protobuf'}")


def build_rust() -> None:
    crate = MADE / "rust"  # a copy, for cargo writes a lock file beside its manifest
    shutil.copytree(CODEC / "rust", crate, dirs_exist_ok=True)
    environment = {**os.environ, "CONTRACT": str(CONTRACT)}
    environment["CARGO_TARGET_DIR"] = str(crate / "target")
    if cpu():
        environment["RUSTFLAGS"] = f"-C target-cpu={cpu()}"
    run("codec-rust", ["cargo", "build", "--release", "-j", JOBS], cwd=crate, env=environment)


def build_go() -> None:
    """In a copy of the Go peers' module, which has the versions, beside the generated code."""
    module = GO.parent
    shutil.rmtree(module, ignore_errors=True)
    shutil.copytree(CODEC / "go", module / "codec")
    for name in ("go.mod", "go.sum"):
        shutil.copy(GO_MODULE / name, module)
    go = install.go_command()
    here = {"cwd": module, "env": install.go_environment(go)}
    run("codec-go", [go, "install", "-p", JOBS, PROTOC_GEN_GO], **here)
    run("codec-go", ["protoc", f"-I{CODEC}", "--go_out=.",
                     f"--go_opt=module={install.GO_MODULE}", CONTRACT.name], **here)
    run("codec-go", [go, "build", "-p", JOBS, "-o", str(GO), "./codec"], **here)


def cpu() -> str | None:
    """The peers are built for processors with AVX2 where this is one; Parley's is the program that
    is shipped, which looks at run time. Not for AVX-512: cachegrind does not know it."""
    found = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return "x86-64-v3" if {"avx2", "bmi2", "fma", "movbe"} <= set(found) else None
