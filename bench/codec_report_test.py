import json
import unittest
from pathlib import Path
from unittest import mock

from codec import report, shapes
from codec.candidates import CANDIDATES, TO_JSON, TO_WIRE, Candidate
from codec.measure import Result

SIZES = {"user": 300, "users100": 30_000, "deep": 2_000, "numbers": 400_000, "text": 1_000_000}


def result(name: str, nanoseconds: dict[str, float], direction: str = TO_WIRE,
           floor: bool = False) -> Result:
    found = Result(Candidate(name, "what", Path("program"), floor=floor), direction)
    found.nanoseconds = nanoseconds
    return found


def field_of(upb: float) -> list[Result]:
    """Parley at 100 ns, upb at `upb`, and two slow peers."""
    times = {"parley": 100.0, "upb": upb, "pbjson": 900.0, "prost-reflect": 900.0}
    return [result(name, {"user": time}) for name, time in times.items()]


def sentence(results: list[Result]) -> str:
    return report.verdicts(results, TO_WIRE)[0].sentence()


class Verdicts(unittest.TestCase):
    def test_compare_parley_with_the_fastest_peer(self):
        self.assertRegex(sentence(field_of(upb=250.0)), "2.50 of upb, met$")

    def test_are_met_at_their_very_value(self):
        self.assertRegex(sentence(field_of(upb=200.0)), "2.00 of upb, met$")

    def test_are_missed_below_it(self):
        self.assertRegex(sentence(field_of(upb=199.0)), "MISSED$")

    def test_take_no_floor_for_a_peer(self):
        floor = result("simdjson", {"user": 10.0}, floor=True)
        self.assertRegex(sentence([*field_of(upb=250.0), floor]), "2.50 of upb, met$")

    def test_take_no_figure_of_the_other_direction(self):
        other = result("upb", {"user": 10.0}, TO_JSON)
        self.assertRegex(sentence([*field_of(upb=250.0), other]), "2.50 of upb, met$")

    def test_are_not_measured_where_parley_or_a_contender_is_not(self):
        for index in range(4):
            some = field_of(upb=250.0)
            del some[index]
            self.assertRegex(sentence(some), "not measured$")


@mock.patch.object(shapes, "json_bytes", lambda: SIZES)
class Report(unittest.TestCase):
    def test_shows_megabytes_of_json_by_second(self):
        text = report.report([result("parley", {"user": 1000.0, "text": 500_000.0})])
        self.assertRegex(text, r"parley \(what\) +300 +- +- +- +2,000")

    def test_names_what_is_absent_and_what_failed(self):
        absent, failed = result("upb", {}), result("pbjson", {"deep": 1.0})
        absent.absent = "cargo is missing"
        failed.drop("deep", "wrong: id")
        text = report.report([absent, failed])
        self.assertIn("upb: absent: cargo is missing", text)
        self.assertIn("pbjson: FAILED: deep: wrong: id", text)
        self.assertNotIn("pbjson (what)", text)

    def test_shows_instructions_only_where_they_were_counted(self):
        counted = result("parley", {"user": 1000.0})
        self.assertNotIn("instructions", report.report([counted]))
        counted.instructions_per_byte["user"] = 3.456
        self.assertIn("3.46", report.report([counted]))

    def test_has_a_json_line_for_each_candidate_and_direction(self):
        lines = [json.loads(line) for line in report.json_lines(field_of(upb=250.0))]
        self.assertEqual(lines[0]["mb_per_second"], {"user": 3000.0})
        self.assertEqual(lines[0]["goals"]["user"], {
            "peer": "upb", "ratio": 2.5, "ratio_at_least": 2.0, "met": True})
        self.assertIsNone(lines[0]["goals"]["text"]["met"])
        self.assertNotIn("goals", lines[1])


class Goals(unittest.TestCase):
    def test_are_set_for_every_shape_in_both_directions(self):
        for goals in report.GOALS.values():
            self.assertEqual(tuple(goals), shapes.NAMES)

    def test_have_peers_to_be_met_against(self):
        self.assertEqual(CANDIDATES[0].name, "parley")
        names = {each.name for each in CANDIDATES if not each.floor}
        self.assertLessEqual(report.CONTENDERS, names)


if __name__ == "__main__":
    unittest.main()
