#!/usr/bin/env python3
"""Runs every *_test.py beneath a folder and writes `PASSED FAILED` to a file.

Each test method is a case, a subtest belongs to its method. A file that cannot be imported is a
failed case, and so is a skipped one: a missing tool is a failure.

usage: run_python_tests.py FOLDER COUNTS_FILE
"""

import importlib.util
import signal
import sys
import time
import unittest
from pathlib import Path


class Result(unittest.TextTestResult):
    """Prints one line a case as it ends, and remembers which cases went wrong."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.wrong = set()
        self.started = 0.0

    def startTest(self, test):
        self.started = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):
        verdict = "FAILED" if test.id() in self.wrong else "ok"
        print(f"{test.id()} ... {verdict} ({time.monotonic() - self.started:.1f} s)", flush=True)
        super().stopTest(test)

    def addError(self, test, err):
        self.wrong.add(test.id())
        super().addError(test, err)

    def addFailure(self, test, err):
        self.wrong.add(test.id())
        super().addFailure(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.wrong.add(test.id())
        super().addSubTest(test, subtest, err)

    def addSkip(self, test, reason):
        self.wrong.add(test.id())
        self.failures.append((test, f"skipped ({reason}): a missing tool is a failure\n"))

    def addUnexpectedSuccess(self, test):
        self.wrong.add(test.id())
        super().addUnexpectedSuccess(test)


def load(path: Path) -> unittest.TestSuite:
    """The cases of one file; its neighbours can be imported by their names."""
    sys.path.insert(0, str(path.parent))
    try:
        name = str(path.with_suffix("")).replace("/", ".")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return unittest.defaultTestLoader.loadTestsFromModule(module)
    except Exception as error:  # whatever the file does wrong is reported as its failure
        return unittest.TestSuite([broken(str(path), error)])


def broken(name: str, error: Exception) -> unittest.TestCase:
    def importing(_):
        raise error

    case = type(name, (unittest.TestCase,), {"importing": importing})
    return case("importing")


def test_files(folder: Path) -> list[Path]:
    found = (p for p in folder.rglob("*_test.py") if "node_modules" not in p.parts)
    return sorted(found)


def main() -> int:
    folder, counts = Path(sys.argv[1]), Path(sys.argv[2])
    # SIGTERM unwinds like Ctrl-C, so that fixtures stop the processes that they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    suite = unittest.TestSuite(load(path) for path in test_files(folder))
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=0, resultclass=Result)
    result = runner.run(suite)
    # setUpClass and setUpModule fail outside of any case: count them beside the cases.
    failed = len(result.wrong)
    passed = result.testsRun - sum(1 for name in result.wrong if "(" not in name)
    counts.write_text(f"{max(passed, 0)} {failed}\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
