"""Where things lie: sources under bench/, everything made under build/bench/."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
PROTO_PATH = (BENCH / "proto", ROOT / "proto")
WORK = ROOT / "build" / "bench"
BIN = WORK / "bin"
CANNED = WORK / "canned"
LOGS = WORK / "logs"
VENV = WORK / "venv"
DESCRIPTORS = WORK / "shop.binpb"
PARLEY = ROOT / "build" / "release" / "parley"


def program(name: str) -> str | None:
    """The path of an installed program; Debian keeps servers in sbin, outside of a user's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
