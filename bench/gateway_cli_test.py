import unittest

from gateway import cli


class Scenarios(unittest.TestCase):
    def test_are_all_that_measure_speed_unless_some_are_named(self):
        chosen = cli.parse([]).scenarios
        self.assertIn("rest-get", chosen)
        self.assertIn("codec", chosen)
        self.assertNotIn("neighbour", chosen)

    def test_leave_out_the_codec_where_gateways_are_named(self):
        self.assertNotIn("codec", cli.parse(["--peer", "envoy"]).scenarios)

    def test_are_those_that_are_named(self):
        self.assertEqual(cli.parse(["codec", "--count"]).scenarios, ["codec"])


if __name__ == "__main__":
    unittest.main()
