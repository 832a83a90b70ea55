import stat
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from codec import counting, measure
from codec.candidates import TO_WIRE, Candidate
from codec.measure import Result

# Answers all but text; is timed at 7 ns, and not at all with deep.
PROGRAM = """\
#!/bin/sh
case $2 in
  answer) [ "$3" != fake/json-to-wire/text ] || { echo refused >&2; exit 1; }; echo "$3" ;;
  time) [ "$5" != fake/json-to-wire/deep ] || { echo stuck >&2; exit 1; }; echo 7.00 ;;
esac
"""
JUDGE = """\
#!/bin/sh
[ "$4" != numbers ] || { echo 'modified: longs[3]' >&2; exit 1; }
"""


class Candidates(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.judge = self.script("judge", JUDGE)
        candidate = Candidate("fake", "what", self.script("program", PROGRAM))
        self.result = Result(candidate, TO_WIRE)

    def script(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def check(self):
        with mock.patch.object(measure, "PROTOBUF", self.judge):
            measure.check(self.result)

    def test_with_a_wrong_answer_or_none_are_not_timed_in_that_shape(self):
        self.check()
        self.assertEqual(self.result.good, {"user", "users100", "deep"})
        self.assertIn("numbers: wrong: modified: longs[3]", self.result.failed)
        self.assertIn("text: no answer: refused", self.result.failed)

    def test_keep_the_least_time_of_all_turns(self):
        self.check()
        for before, least in ((5.0, 5.0), (9.0, 5.0)):
            self.result.note_time("user", before)
            measure.take_turn(self.result, "user")
            self.assertEqual(self.result.nanoseconds["user"], least)
        measure.take_turn(self.result, "users100")
        self.assertEqual(self.result.nanoseconds["users100"], 7.0)

    def test_fail_where_they_are_not_timed(self):
        self.check()
        measure.take_turn(self.result, "deep")
        self.assertNotIn("deep", self.result.nanoseconds)
        self.assertIn("deep: not timed: stuck", self.result.failed)

    def test_are_not_timed_again_after_a_failure(self):
        self.check()
        measure.take_turn(self.result, "text")
        self.assertNotIn("text", self.result.nanoseconds)

    def test_that_are_not_built_are_absent_and_say_why(self):
        nowhere = self.folder / "nowhere"
        missing = Candidate("rust", "what", nowhere, needs=("no-such-command", "a-package"))
        self.assertEqual(missing.absent(), "no-such-command is missing (Debian package a-package)")
        self.assertIn("not built", Candidate("rust", "what", nowhere).absent())
        self.assertIsNone(self.result.candidate.absent())


class Counters(unittest.TestCase):
    def test_perf_gives_a_number_where_the_machine_counts(self):
        self.assertEqual(counting.perf_number("123456,,instructions:u,100,100.00,,\n"), 123456)
        self.assertIsNone(counting.perf_number("<not supported>,,instructions:u,0,100.00,,\n"))
        self.assertIsNone(counting.perf_number("no permission\n"))

    def test_cachegrind_gives_its_references(self):
        text = "==7== Cachegrind\n==7== I refs:        1,234,567\n==7== \n"
        self.assertEqual(counting.cachegrind_number(text), 1234567)


if __name__ == "__main__":
    unittest.main()
