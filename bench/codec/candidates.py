"""Who takes part: Parley's codec, the libraries beside it, and a parser as the floor."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .places import GO, PARLEY, PROTOBUF, RUST, UPB

TO_WIRE, TO_JSON = "json-to-wire", "wire-to-json"
BOTH = (TO_WIRE, TO_JSON)


@dataclass(frozen=True)
class Candidate:
    """`floor`: does only a part of the work, answers nothing, and is no peer of a goal.
    `collects`: has a garbage collector, whose work only longer samples hold, and which cachegrind
    does not run. `needs`: the command that builds it, and its Debian package."""

    name: str
    what: str
    program: Path
    directions: tuple[str, ...] = BOTH
    floor: bool = False
    collects: bool = False
    needs: tuple[str, str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def absent(self) -> str | None:
        if self.program.is_file():
            return None
        if self.needs and shutil.which(self.needs[0]) is None:
            return f"{self.needs[0]} is missing (Debian package {self.needs[1]})"
        return "not built: bench/run codec --setup says why"


CARGO = ("cargo", "cargo-web")

CANDIDATES = (
    Candidate("parley", "compiled programs", PARLEY),
    Candidate("upb", "C, by descriptor", UPB, needs=CARGO),
    Candidate("pbjson", "Rust, generated: prost, sonic-rs", RUST, needs=CARGO),
    Candidate("prost-reflect", "Rust, by descriptor: serde_json", RUST, needs=CARGO),
    Candidate("protojson", "Go, generated", GO, collects=True, environment={"GOMAXPROCS": "1"}),
    Candidate("protobuf-generated", "C++ 3.21, json_util", PROTOBUF),
    Candidate("protobuf-resolver", "C++ 3.21, json_util by descriptor", PROTOBUF),
    Candidate("simdjson", "only parses", PROTOBUF, directions=(TO_WIRE,), floor=True),
)
