import unittest

from gateway import load
from gateway.scenarios import Load, by_name

OUTPUT = """starting benchmark...
finished in 1.25s, 8000.00 req/s, 3.05MB/s
requests: 10000 total, 10000 started, 10000 done, 9998 succeeded, 2 failed, 1 errored, 0 timeout
status codes: 9998 2xx, 0 3xx, 1 4xx, 0 5xx
traffic: 3.81MB (3995000) total, 970.00KB (993280) headers (savings 0.00%), 2.82MB (2960000) data
                     min         max         mean         sd        +/- sd
time for request:      104us      1.08ms       235us        85us    88.21%
"""


class ParseSummary(unittest.TestCase):
    def test_reads_counts_bytes_and_times(self):
        summary = load.parse_summary(OUTPUT)
        self.assertEqual(summary, load.Summary(10000, 9999, 1, 2960000, 1.25, 8000.0))

    def test_knows_the_units_of_short_runs(self):
        for text, seconds in (("189.90ms", 0.1899), ("950us", 0.00095), ("2.00s", 2.0)):
            summary = load.parse_summary(OUTPUT.replace("1.25s", text))
            self.assertAlmostEqual(summary.seconds, seconds)

    def test_says_what_is_missing_and_shows_the_end_of_the_output(self):
        with self.assertRaisesRegex(load.LoadFailed, "finished in.*: connection refused"):
            load.parse_summary("connection refused\n")


class Problem(unittest.TestCase):
    def test_is_none_when_every_answer_came_in_full(self):
        self.assertIsNone(load.problem(load.Summary(10, 10, 0, 2960, 1.0, 10.0), 296))

    def test_counts_what_was_not_answered(self):
        found = load.problem(load.Summary(10, 8, 0, 2960, 1.0, 10.0), 296)
        self.assertEqual(found, "2 of 10 not answered")

    def test_counts_other_statuses(self):
        found = load.problem(load.Summary(10, 10, 3, 2960, 1.0, 10.0), 296)
        self.assertEqual(found, "3 of 10 not 2xx")

    def test_notices_answers_of_another_size(self):
        found = load.problem(load.Summary(10, 10, 0, 2900, 1.0, 10.0), 296)
        self.assertEqual(found, "bodies of 2900 bytes in all, not 2960")


class ParseLog(unittest.TestCase):
    def test_takes_percentiles_of_the_third_column(self):
        log = "".join(f"17952571\t200\t{time}\n" for time in reversed(range(1, 101)))
        self.assertEqual(load.parse_log(log), load.Latency(51.0, 100.0))

    def test_one_request_is_every_percentile(self):
        self.assertEqual(load.parse_log("17952571\t200\t7\n"), load.Latency(7.0, 7.0))

    def test_refuses_an_empty_log(self):
        with self.assertRaises(load.LoadFailed):
            load.parse_log("")


class Command(unittest.TestCase):
    def test_http_1_has_connections_only(self):
        line = load.command(Load("/v1/users/1", "user"), 21001, 500)
        self.assertIn("--h1", line)
        self.assertNotIn("-m", line)
        self.assertEqual(line[-1], "http://127.0.0.1:21001/v1/users/1")

    def test_http_2_has_streams_body_and_headers(self):
        line = " ".join(load.command(by_name("grpc").load, 21001, 500))
        self.assertNotIn("--h1", line)
        self.assertIn("-c 8 -m 16", line)
        self.assertRegex(line, r"-d \S+/get-user\.grpc")
        self.assertIn("-H te: trailers", line)


if __name__ == "__main__":
    unittest.main()
