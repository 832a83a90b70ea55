import unittest

from gateway import cli, idle, profile


class Scenarios(unittest.TestCase):
    def test_are_all_but_the_profile_unless_some_are_named(self):
        everything = {scenario.name for scenario in cli.SCENARIOS}
        everything |= {other.NAME for other in cli.OTHERS}
        chosen = cli.parse([]).scenarios
        self.assertEqual(set(chosen), everything - {profile.NAME})
        self.assertEqual(len(chosen), len(set(chosen)))

    def test_leave_out_what_has_no_peers_where_gateways_are_named(self):
        chosen = cli.parse(["--peer", "envoy"]).scenarios
        self.assertIn("rest-get", chosen)
        self.assertIn("idle", chosen)
        for alone in ("codec", "shards", "start"):
            self.assertNotIn(alone, chosen)

    def test_are_those_that_are_named(self):
        self.assertEqual(cli.parse(["codec", "--count"]).scenarios, ["codec"])


class Idle(unittest.TestCase):
    def test_tells_whether_memory_was_given_back(self):
        kept = idle.Result("parley", "plain", each=1500.0, kept=1400.0)
        back = idle.Result("parley", "plain", each=1500.0, kept=10.0)
        self.assertFalse(kept.given_back)
        self.assertTrue(back.given_back)
        self.assertIn("goal, plain: given back: MISSED", idle.report([kept]))
        self.assertIn("goal, plain: given back: met", idle.report([back]))


if __name__ == "__main__":
    unittest.main()
