import json
import unittest

from gateway import answers, canned
from gateway.scenarios import Load

USER = Load("/v1/users/12345", "user")


def json_answer(content: object, status: int = 200) -> answers.Answer:
    return answers.Answer(status, {}, json.dumps(content).encode())


class ParseHead(unittest.TestCase):
    def test_merges_headers_and_trailers(self):
        dump = "HTTP/2 200 \r\nContent-Type: application/grpc\r\n\r\ngrpc-status: 0\r\n\r\n"
        fields = {"content-type": "application/grpc", "grpc-status": "0"}
        self.assertEqual(answers.parse_head(dump), (200, fields))

    def test_keeps_the_last_status_and_colons_in_values(self):
        dump = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nserver: a:b\r\n\r\n"
        self.assertEqual(answers.parse_head(dump), (404, {"server": "a:b"}))

    def test_no_answer_is_status_0(self):
        self.assertEqual(answers.parse_head(""), (0, {}))


class Problem(unittest.TestCase):
    def test_takes_the_user_in_any_order_and_spacing(self):
        shuffled = dict(reversed(canned.user_json().items()))
        body = json.dumps(shuffled, indent=2).encode()
        self.assertIsNone(answers.problem(USER, answers.Answer(200, {}, body)))

    def test_refuses_another_user(self):
        found = answers.problem(USER, json_answer({**canned.user_json(), "age": 31}))
        self.assertRegex(found, "another user")

    def test_refuses_what_is_not_json(self):
        found = answers.problem(USER, answers.Answer(200, {}, b"\0\0"))
        self.assertRegex(found, "not JSON")

    def test_refuses_another_status_with_the_right_body(self):
        found = answers.problem(USER, json_answer(canned.user_json(), 503))
        self.assertRegex(found, "^status 503")

    def test_expects_a_hundred_different_users(self):
        users = canned.list_json()
        load = Load("/v1/users", "list")
        self.assertIsNone(answers.problem(load, json_answer(users)))
        users["users"][99]["userId"] = "12345"
        self.assertRegex(answers.problem(load, json_answer(users)), "another list")

    def test_a_grpc_answer_needs_status_0(self):
        load = Load("/shop.v1.UserService/GetUser", "user", "grpc")
        failed = {"grpc-status": "14", "grpc-message": "no upstream"}
        for fields, words in (({}, "grpc-status None"), (failed, "14, message no upstream")):
            found = answers.problem(load, answers.Answer(200, fields, b""))
            self.assertRegex(found, words)


class Frame(unittest.TestCase):
    def test_has_a_zero_byte_and_a_big_endian_length(self):
        self.assertEqual(canned.frame(b"x" * 258)[:6], b"\0\0\0\1\2x")


if __name__ == "__main__":
    unittest.main()
