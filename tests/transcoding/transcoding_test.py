"""The transcoding suite against Parley, and what the suite itself is worth."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from transcoding import comparison, table  # noqa: E402
from transcoding.cli import run  # noqa: E402
from transcoding.client import Answer  # noqa: E402
from transcoding.contract import Contract  # noqa: E402
from transcoding.suite import Report, Result, failure  # noqa: E402
from transcoding.upstream import Call  # noqa: E402
from transcoding.verdict import judge  # noqa: E402

CASES_LEAST = 600
# Optional cases that Parley decides otherwise: none.
OTHERWISE: set[str] = set()

contract = Contract()


class Parley(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = table.load()
        cls.report = run(contract, cls.cases, None, "")

    def test_every_required_case_passes(self):
        self.assert_failed(self.report.failed(optional=False), set())

    def test_optional_cases_go_as_parley_has_decided(self):
        self.assert_failed(self.report.failed(optional=True), OTHERWISE)

    def assert_failed(self, results: list[Result], known: set[str]):
        """Exactly these: what passes by now is known no more."""
        text = "\n\n".join(failure(one) for one in results if one.case.id not in known)
        self.assertEqual({one.case.id for one in results}, known, text)

    def test_all_cases_ran(self):
        self.assertEqual(len(self.report.results), len(self.cases))
        self.assertGreaterEqual(self.report.total.required_all, CASES_LEAST)


class Tables(unittest.TestCase):
    def refused(self, text: str) -> str:
        with self.assertRaises(table.TableError) as caught:
            table.read(text, "group")
        return str(caught.exception)

    def test_rows_make_a_case_many(self):
        text = "case a-$(id)\nrule r\nGET /v1/$(id)\n= $(s)\n| id | s\n| x | 200\n| y | 404"
        first, second = table.read(text, "group")
        self.assertEqual((first.id, first.target), ("a-x", "/v1/x"))
        self.assertEqual((second.id, second.outcomes[0].one("status")), ("a-y", "404"))

    def test_cells_may_be_empty(self):
        text = "case a\nrule r\nGET /v1/x$(q)\n= 200$(none)\n| q | none\n| |"
        self.assertEqual(table.read(text, "group")[0].target, "/v1/x")

    def test_content_is_lines_bytes_and_repetitions(self):
        text = "case a\nrule r\nPOST /v1/x\n< a\n< b\n<hex 00 ff\n<times 3 [\n= 200"
        self.assertEqual(table.read(text, "group")[0].body, b"a\nb\x00\xff[[[")

    def test_alternatives_are_outcomes_of_their_own(self):
        text = "case a\nrule r\nGET /\n= 400 404\nor\n= call M {}\n= 200"
        first, second = table.read(text, "group")[0].outcomes
        self.assertEqual((first.one("call"), second.one("call")), (None, "M {}"))

    def test_a_case_without_a_rule_is_refused(self):
        self.assertIn("a rule", self.refused("case a\nGET /\n= 200"))

    def test_an_outcome_without_a_status_is_refused(self):
        self.assertIn("statuses", self.refused("case a\nrule r\nGET /\n= call M {}"))

    def test_a_line_that_means_nothing_is_refused_with_its_place(self):
        self.assertIn("table:1", self.refused("case a\nrule r\nGET /\n? what\n= 200"))

    def test_a_row_of_another_length_is_refused(self):
        self.assertIn("a row", self.refused("case a\nrule r\nGET /\n= 200\n| a | b\n| 1"))


class Verdicts(unittest.TestCase):
    def wrong(self, expected: str, *, call: dict | None = None, answer: Answer) -> list[str]:
        case = table.read(f"case a\nrule r\nGET /v1/x\n{expected}", "group")[0]
        calls = []
        if call is not None:
            message = contract.parse(contract.request("Answers.Get"), json.dumps(call))
            calls = [Call("Answers.Get", message.SerializeToString(), [("x-a", "1")], None)]
        return judge(contract, case, calls, answer)

    def answer(self, body: str, status: int = 200, kind: str = "application/json") -> Answer:
        return Answer(status, [("content-type", kind)], body.encode())

    def json(self, expected: str, got: str) -> list[str]:
        lines = f"= call Answers.Get {{}}\n= 200\n= json {expected}"
        return self.wrong(lines, call={}, answer=self.answer(got))

    def test_defaults_may_be_written_or_left_out(self):
        self.assertEqual(self.json('{"text":"x"}', '{"text":"x","int32":0,"texts":[]}'), [])

    def test_a_member_that_says_something_new_is_wrong(self):
        self.assertTrue(self.json('{"text":"x"}', '{"text":"x","int32":1}'))

    def test_presence_that_was_not_there_is_wrong(self):
        self.assertTrue(self.json("{}", '{"optionalText":""}'))

    def test_a_missing_member_is_wrong(self):
        self.assertTrue(self.json('{"int32":0}', "{}"))

    def test_a_number_for_a_text_is_wrong(self):
        self.assertTrue(self.json('{"int64":"7"}', '{"int64":7}'))

    def test_another_text_of_the_same_float_is_right(self):
        self.assertEqual(self.json('{"float":1e-45}', '{"float":1.40129846e-45}'), [])

    def test_another_double_is_wrong(self):
        self.assertTrue(self.json('{"double":0.1}', '{"double":0.10000000000000002}'))

    def test_a_name_twice_is_wrong(self):
        self.assertTrue(self.json('{"text":"x"}', '{"text":"y","text":"x"}'))

    def test_json_of_another_type_is_wrong(self):
        lines = "= call Answers.Get {}\n= 200\n= json {}"
        self.assertTrue(self.wrong(lines, call={}, answer=self.answer("{}", kind="text/plain")))

    def test_a_call_that_nobody_expects_is_wrong(self):
        self.assertTrue(self.wrong("= 400", call={}, answer=self.answer("", 400)))

    def test_a_call_that_did_not_come_is_wrong(self):
        self.assertTrue(self.wrong("= call Answers.Get {}\n= 200", answer=self.answer("{}")))

    def test_another_request_is_wrong(self):
        lines = '= call Answers.Get {"double":-0.0}\n= 200'
        self.assertEqual(self.wrong(lines, call={"double": -0.0}, answer=self.answer("{}")), [])
        self.assertTrue(self.wrong(lines, call={"double": 0.0}, answer=self.answer("{}")))

    def test_metadata_is_looked_for(self):
        def wrong(line: str) -> list[str]:
            lines = f"= call Answers.Get {{}}\n= 200\n{line}"
            return self.wrong(lines, call={}, answer=self.answer(""))

        self.assertEqual(wrong("= metadata x-a: 1"), [])
        self.assertTrue(wrong("= metadata x-a: 2"))
        self.assertTrue(wrong("= no metadata x-a"))

    def test_errors_have_three_forms(self):
        for body in (
            '{"code":"NOT_FOUND","detail":"gone"}',
            '{"code":5,"message":"gone"}',
            '{"error":{"code":404,"status":"NOT_FOUND","message":"gone"}}',
        ):
            answer = self.answer(body, 404)
            self.assertEqual(self.wrong("= 404\n= error NOT_FOUND gone", answer=answer), [])
            self.assertTrue(self.wrong("= 404\n= error NOT_FOUND lost", answer=answer))
            self.assertTrue(self.wrong("= 404\n= error INTERNAL gone", answer=answer))

    def test_streams_are_lines_or_an_array(self):
        lines = '= call Streams.Watch {}\n= 200\n= item {"text":"a"}\n= item {"text":"b"}'
        case = table.read(f"case a\nrule r\nGET /v1/x\n{lines}", "group")[0]
        calls = [Call("Streams.Watch", b"", [], None)]
        a, b = '{"text":"a"}', '{"text":"b"}'
        for body in (f"{a}\n{b}\n", f"[{a},\n{b}]", f'{{"result":{a}}}\n{{"result":{b}}}\n'):
            self.assertEqual(judge(contract, case, calls, self.answer(body)), [], body)
        for body in (a, f"{b}\n{a}\n", f"{a}{b}"):
            self.assertTrue(judge(contract, case, calls, self.answer(body)), body)


class Page(unittest.TestCase):
    def test_it_has_shares_and_the_names_of_what_fails(self):
        text = "case a-$(id)\nrule the rule\nGET /\n= 200\n| id\n| x\n| y\n| z"
        cases = table.read(text, "group")
        results = [Result(case, ["wrong"] if case.id != "a-z" else [], "") for case in cases]
        page = comparison.page({"Parley": Report(results)}, {}, {"Parley": ("Paths.Text",)})
        self.assertIn("| group | 3 | 33 % |", page)
        self.assertIn("- `a-{x,y}`: the rule", page)
        self.assertIn("without them", page)


if __name__ == "__main__":
    unittest.main()
