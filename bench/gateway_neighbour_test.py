import json
import unittest

from gateway import neighbour


class Report(unittest.TestCase):
    def test_has_a_row_for_each_kind_and_a_column_for_each_gateway_that_ran(self):
        zeros = {kind: 0 for kind in neighbour.BAD}
        results = [
            neighbour.Result("envoy", lost={**zeros, "header of 20 kB": 583}),
            neighbour.Result("vanguard", absent="not built"),
            neighbour.Result("parley", failed="does not listen"),
        ]
        lines = neighbour.report(results).split("\n")
        self.assertEqual(len(lines), 2 + len(neighbour.BAD) + 2)
        self.assertRegex(lines[1], r"envoy$")
        self.assertTrue(any(line.split() == "header of 20 kB 583".split() for line in lines))
        self.assertIn("  vanguard: absent: not built", lines)
        self.assertIn("  parley: FAILED: does not listen", lines)


class JsonLines(unittest.TestCase):
    def test_say_which_good_requests_were_lost_and_why_a_gateway_is_absent(self):
        results = [neighbour.Result("envoy", lost={"none": 0}), neighbour.Result("x", absent="why")]
        first, second = (json.loads(line) for line in neighbour.json_lines(results))
        self.assertEqual(first, {"scenario": "neighbour", "peer": "envoy", "lost": {"none": 0}})
        self.assertEqual(second, {"scenario": "neighbour", "peer": "x", "absent": "why"})


class Bad(unittest.TestCase):
    def test_requests_are_whole_http_1_requests(self):
        for kind, text in neighbour.BAD.items():
            if kind != "none":
                self.assertTrue(text.endswith(b"connection: close\r\n\r\n"), kind)
                self.assertIn(b" HTTP/1.1\r\nhost: bench\r\n", text)


if __name__ == "__main__":
    unittest.main()
