import json
import unittest

from gateway import report
from gateway.measure import DIRECT, Entrant, Pace, Sample, entrants
from gateway.scenarios import SCENARIOS, Scenario, by_name

LOAD = by_name("rest-get").load
SCENARIO = Scenario("get", "GET", LOAD, ("envoy",), goals={"envoy": 0.45})


def sample(cpu_us: float, **others: float) -> Sample:
    rest = {"requests": 100, "upstream_us": 1.0, "busy": 0.9, "per_second": 25000.0,
            "p50_us": 900.0, "p99_us": 1500.0}
    return Sample(cpu_us=cpu_us, **{**rest, **others})


def pair(name: str, theirs: list[float], parley: list[float], bare: bool = False) -> Entrant:
    entrant = Entrant(name, LOAD, bare=bare)
    entrant.samples = [sample(cpu) for cpu in theirs]
    entrant.parley_after = [sample(cpu) for cpu in parley]
    return entrant


class Ratio(unittest.TestCase):
    def test_is_the_median_of_the_pairs_not_the_ratio_of_the_medians(self):
        drifting = pair("envoy", [10.0, 20.0, 40.0], [4.0, 10.0, 12.0])
        self.assertAlmostEqual(report.ratio(drifting), 0.4)

    def test_is_none_without_parley(self):
        self.assertIsNone(report.ratio(pair("envoy", [10.0], [])))

    def test_leaves_out_a_run_that_took_no_cpu(self):
        self.assertAlmostEqual(report.ratio(pair("envoy", [0.0, 10.0], [1.0, 5.0])), 0.5)


class Verdicts(unittest.TestCase):
    def sentence(self, *entrants_: Entrant) -> str:
        return report.sentence(report.verdicts(SCENARIO, list(entrants_))[0])

    def test_a_goal_is_met_at_its_very_value(self):
        self.assertRegex(self.sentence(pair("envoy", [100.0], [45.0])), "0.45, met$")

    def test_a_goal_is_missed_above_it(self):
        self.assertRegex(self.sentence(pair("envoy", [100.0], [46.0])), "0.46, MISSED$")

    def test_a_goal_against_an_absent_peer_is_not_measured(self):
        self.assertRegex(self.sentence(Entrant("envoy", LOAD, absent="why")), "not measured$")

    def test_a_bare_peer_is_no_stand_in_for_the_peer_of_the_goal(self):
        bare = pair("envoy", [100.0], [10.0], bare=True)
        self.assertRegex(self.sentence(bare), "not measured$")

    def test_a_goal_may_be_against_a_peer_that_copies_bytes(self):
        scenario = Scenario("get", "GET", LOAD, (), floor_peers=("nghttpx",),
                            floor_goals={"nghttpx": 1.0})
        entrants = [pair("nghttpx", [10.0], [9.0], bare=True)]
        sentence = report.sentence(report.verdicts(scenario, entrants)[0])
        self.assertEqual(
            sentence, "goal: at most 1.00 of bare nghttpx's CPU per request: 0.90, met"
        )
        found = json.loads(report.json_lines(scenario, entrants)[0])
        self.assertEqual(found["goal"], {"ratio_at_most": 1.0, "met": True})


class Table(unittest.TestCase):
    def test_aligns_names_left_and_figures_right(self):
        rows = report.aligned([["", "CPU"], ["envoy", "37.7"], ["a", "104.2"]])
        self.assertEqual(rows, ["           CPU", "  envoy   37.7", "  a      104.2"])

    def test_names_what_is_absent_and_what_failed(self):
        absent = Entrant("envoy", LOAD, absent="not installed")
        failed = Entrant("nginx", LOAD, failed="status 502")
        text = report.table(SCENARIO, [absent, failed])
        self.assertIn("envoy: absent: not installed", text)
        self.assertIn("nginx: FAILED: status 502", text)

    def test_direct_shows_no_gateway_cpu(self):
        self.assertEqual(report.cells(pair(DIRECT, [3.0], []))[1], "-")


class JsonLines(unittest.TestCase):
    def test_hold_medians_the_ratio_and_the_goal(self):
        line = report.json_lines(SCENARIO, [pair("envoy", [30.0, 40.0, 50.0], [12.0, 12.0, 15.0])])
        found = json.loads(line[0])
        self.assertEqual(found["cpu_us_per_request"], 40.0)
        self.assertEqual(found["parley_cpu_ratio"], 0.3)
        self.assertEqual(found["goal"], {"ratio_at_most": 0.45, "met": True})

    def test_an_absent_peer_has_a_line_with_the_reason(self):
        found = json.loads(report.json_lines(SCENARIO, [Entrant("envoy", LOAD, absent="why")])[0])
        self.assertEqual(found["absent"], "why")
        self.assertNotIn("cpu_us_per_request", found)
        self.assertIsNone(found["goal"]["met"])


class Scenarios(unittest.TestCase):
    def test_have_names_of_their_own_and_goals_against_their_own_peers(self):
        self.assertEqual(len({s.name for s in SCENARIOS}), len(SCENARIOS))
        for scenario in SCENARIOS:
            self.assertLessEqual(set(scenario.goals), set(scenario.peers))
            self.assertLessEqual(set(scenario.floor_goals), set(scenario.floor_peers))

    def test_end_with_parley_where_it_takes_part(self):
        for scenario in SCENARIOS:
            names = [entrant.name for entrant in entrants(scenario)]
            self.assertEqual(names[-1] == "parley", scenario.with_parley)

    def test_measure_for_less_than_a_minute(self):
        pace = Pace()
        for scenario in SCENARIOS:
            runs = pace.rounds * 2 * (len(entrants(scenario)) - scenario.with_parley)
            self.assertLess(runs * (pace.seconds(runs) + 0.25), 45.0, scenario.name)


if __name__ == "__main__":
    unittest.main()
