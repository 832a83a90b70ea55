"""The REST door in front of the demo shop, by curl and h2load."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from harness import Answer, Gateway, Lines, curl, strict_users

shop: harness.Shop
gateway: harness.Gateway


def setUpModule():
    global shop, gateway
    shop, gateway = harness.demo()
    unittest.addModuleCleanup(shop.stop)
    unittest.addModuleCleanup(gateway.stop)


def get(path: str, *arguments: str) -> Answer:
    return curl(*arguments, gateway.url + path)


def send(verb: str, path: str, body, *arguments: str) -> Answer:
    return get(path, "-X", verb, "--json", json.dumps(body), *arguments)


def new_user(**more) -> dict:
    name = more.get("email", "ada@people.example")
    answer = send("POST", "/v1/users", {"displayName": "Ada", "email": name, **more})
    assert answer.status == 200, answer
    return answer.json


def new_order(product: int = 2) -> dict:
    lines = [{"productId": product, "quantity": 1}]
    answer = send("POST", "/v1/orders", {"userId": 42, "lines": lines})
    assert answer.status == 200, answer
    return answer.json


class RestCase(unittest.TestCase):
    def assert_problem(self, answer: Answer, status: int, code: str, detail: str = "") -> dict:
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        problem = answer.json
        self.assertEqual((problem["status"], problem["code"]), (status, code))
        self.assertEqual(problem["request_id"], answer.headers["x-request-id"])
        self.assertIn(detail, problem["detail"])
        return problem


class Resources(RestCase):
    """The life of a resource: made, read, changed, deleted."""

    def test_both_versions_of_http_give_the_same_answer(self):
        one = get("/v1/users/7", "--http1.1")
        two = get("/v1/users/7", "--http2-prior-knowledge")
        self.assertEqual((one.status, two.status), (200, 200))
        self.assertEqual(one.body, two.body)
        self.assertEqual(one.headers["content-type"], "application/json")

    def test_output_has_64_bit_integers_as_strings_and_enums_as_names(self):
        user = get("/v1/users/1").json
        self.assertEqual(user["userId"], "1")
        self.assertEqual(user["tier"], "TIER_SILVER")
        self.assertEqual(user["person"]["birthday"], {"year": 1964, "month": 4, "day": 12})
        self.assertRegex(user["createTime"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")

    def test_what_post_makes_get_finds_and_delete_removes(self):
        made = send("POST", "/v1/users", {"displayName": "Bo", "email": "bo@people.example"})
        self.assertEqual(made.status, 200, made)
        place = made.headers["location"]
        self.assertEqual(get(place).json, made.json)
        gone = get(place, "-X", "DELETE")
        self.assertEqual((gone.status, gone.body), (200, b"{}"))
        self.assert_problem(get(place), 404, "NOT_FOUND")

    def test_patch_changes_only_what_its_body_names(self):
        user = new_user(email="cy@people.example", labels={"a": "b"}, phone="+15550100")
        path = f"/v1/users/{user['userId']}"
        answer = send("PATCH", path, {"tier": "TIER_GOLD", "phone": None})
        self.assertEqual(answer.status, 200, answer)
        after = answer.json
        self.assertEqual(after["tier"], "TIER_GOLD")
        self.assertNotIn("phone", after)
        self.assertEqual((after["displayName"], after["labels"]), ("Ada", {"a": "b"}))

    def test_patch_infers_the_leaves_of_nested_messages(self):
        birthday = {"year": 1990, "month": 1, "day": 2}
        user = new_user(email="di@people.example", person={"birthday": birthday})
        path = f"/v1/users/{user['userId']}"
        after = send("PATCH", path, {"person": {"interests": ["chess"]}}).json
        self.assertEqual(after["person"], {"birthday": birthday, "interests": ["chess"]})

    def test_patch_obeys_a_mask_in_the_query(self):
        user = new_user(email="ed@people.example", phone="+15550101")
        path = f"/v1/users/{user['userId']}?updateMask=phone"
        after = send("PATCH", path, {"displayName": "Eve", "phone": "+15550102"}).json
        self.assertEqual((after["displayName"], after["phone"]), ("Ada", "+15550102"))

    def test_patch_of_nothing_is_refused(self):
        self.assert_problem(send("PATCH", "/v1/users/8", {}), 400, "INVALID_ARGUMENT")

    def test_put_is_an_additional_binding_of_the_update(self):
        body = {"displayName": "Flo", "email": "flo@people.example"}
        answer = send("PUT", "/v1/users/9", body)
        self.assertEqual((answer.status, answer.json["displayName"]), (200, "Flo"), answer)

    def test_an_etag_that_is_old_is_a_conflict(self):
        answer = send("PATCH", "/v1/users/10", {"displayName": "Gil", "etag": "old"})
        self.assert_problem(answer, 409, "ABORTED")

    def test_what_the_path_binds_wins(self):
        for field in ("userId", "user_id"):
            with self.subTest(field=field):
                other = send("PATCH", "/v1/users/11", {field: "12", "tier": "TIER_GOLD"})
                self.assert_problem(other, 400, "INVALID_ARGUMENT", "user.user_id")
                same = send("PATCH", "/v1/users/11", {field: 11, "tier": 3})
                self.assertEqual(same.status, 200, same)
        self.assert_problem(get("/v1/users/11/orders?user_id=12"), 400, "INVALID_ARGUMENT")


class Bindings(RestCase):
    """What google.api.http can say."""

    def test_a_query_reaches_nested_repeated_and_enum_fields(self):
        query = "pageSize=3&filter.city=Bilbao&filter.tiers=TIER_GOLD&filter.tiers=2"
        users = get(f"/v1/users?{query}").json["users"]
        self.assertEqual(len(users), 3)
        for user in users:
            self.assertIn(user["tier"], ("TIER_GOLD", "TIER_SILVER"))
            self.assertIn("Bilbao", [one["city"] for one in user["addresses"]])

    def test_pages_follow_each_other(self):
        first = get("/v1/users?page_size=2").json
        second = get(f"/v1/users?page_size=2&page_token={first['nextPageToken']}").json
        ids = [user["userId"] for user in first["users"] + second["users"]]
        self.assertEqual(ids, ["1", "2", "3", "4"])

    def test_a_custom_verb_is_a_route_of_its_own(self):
        by_query = get("/v1/users:batchGet?userIds=3&user_ids=1").json
        by_body = send("POST", "/v1/users:batchGet", {"userIds": [3, "1"]}).json
        self.assertEqual([user["userId"] for user in by_query["users"]], ["3", "1"])
        self.assertEqual(by_query, by_body)

    def test_a_verb_on_one_resource(self):
        order = new_order()
        path = f"/v1/orders/{order['orderId']}:cancel"
        after = send("POST", path, {"reason": "TOO_SLOW", "note": "sorry"}).json
        self.assertEqual(after["status"], "CANCELLED")
        self.assertEqual(after["history"][-1]["note"], "sorry")

    def test_a_variable_may_span_segments(self):
        product = get("/v1/products/19").json
        self.assertEqual(get(f"/v1/{product['name']}").json, product)

    def test_additional_bindings_bind_more(self):
        order = get("/v1/orders/17").json
        path = f"/v1/users/{order['userId']}/orders/17"
        self.assertEqual(get(path).json, order)
        self.assert_problem(get("/v1/users/1/orders/17"), 404, "NOT_FOUND")

    def test_response_body_may_be_any_field(self):
        shelves = get("/v1/categories").json
        self.assertIn("kitchen", [one["name"] for one in shelves])
        self.assertEqual(get("/v1/revenue").json["EUR"]["currencyCode"], "EUR")
        self.assertEqual(get("/v1/orders/17/status").body, b'"DELIVERED"')
        self.assertEqual(get("/v1/users/5/name").json, get("/v1/users/5").json["displayName"])

    def test_a_struct_is_any_json_object(self):
        wish = {"theme": "dark", "sizes": [1, None, {"deep": True}]}
        self.assertEqual(send("PUT", "/v1/users/7/preferences", wish).json, wish)
        self.assertEqual(get("/v1/users/7/preferences").json, wish)

    def test_an_http_body_goes_up_and_down_as_it_is(self):
        with tempfile.NamedTemporaryFile() as picture:
            data = bytes(range(256)) * 1000
            Path(picture.name).write_bytes(data)
            put = get("/v1/products/3/image", "-X", "PUT", "-H", "content-type: image/png",
                      "--data-binary", f"@{picture.name}")  # fmt: skip
        self.assertEqual(put.json, {"contentType": "image/png", "sizeBytes": "256000"})
        image = get("/v1/products/3/image", "-H", "accept: text/html")
        self.assertEqual(image.headers["content-type"], "image/png")
        self.assertEqual(image.body, data)

    def test_an_http_body_may_be_a_stream(self):
        answer = get("/v1/products:export?category=kitchen/knives")
        self.assertEqual(answer.headers["content-type"], "text/csv; charset=utf-8")
        lines = answer.body.decode().splitlines()
        self.assertEqual(lines[0], "product_id,name,title,price,currency,stock")
        self.assertGreater(len(lines), 500)

    def test_a_custom_kind_is_an_http_method(self):
        criteria = {"criteria": [{"text": "knife"}], "limit": 2}
        query = send("QUERY", "/v1/products", criteria)
        self.assertEqual(len(query.json["products"]), 2, query)
        self.assertEqual(send("POST", "/v1/products:search", criteria).json, query.json)

    def test_every_unary_method_has_its_grpc_path(self):
        answer = send("POST", "/shop.v1.Users/GetUser", {"user_id": 5})
        self.assertEqual(answer.json, get("/v1/users/5").json)

    def test_a_method_that_streams_requests_names_the_door_that_has_it(self):
        for path in ("/v1/products:upload", "/v1/support:chat"):
            with self.subTest(path=path):
                self.assert_problem(send("POST", path, {}), 501, "UNIMPLEMENTED", "gRPC")


class Verbs(RestCase):
    def test_head_is_get_without_the_body(self):
        head = get("/v1/users/7", "-I")
        self.assertEqual(head.status, 200)
        self.assertEqual(int(head.headers["content-length"]), len(get("/v1/users/7").body))

    def test_head_of_a_stream_ends_at_once(self):
        head = get(f"/v1/orders/{new_order()['orderId']}:watch", "-I")
        self.assertEqual(head.status, 200, head)
        self.assertEqual(head.headers["content-type"], "application/x-ndjson")

    def test_options_lists_what_a_path_has(self):
        answer = get("/v1/users/7", "-X", "OPTIONS")
        self.assertEqual(answer.status, 204, answer)
        allowed = set(answer.headers["allow"].split(", "))
        self.assertEqual(allowed, {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})

    def test_another_verbs_path_is_405_with_what_there_is(self):
        answer = send("PUT", "/v1/users", {})
        self.assert_problem(answer, 405, "UNIMPLEMENTED", "PUT")
        self.assertEqual(answer.headers["allow"], "GET, HEAD, POST, OPTIONS")

    def test_a_path_that_no_route_has_is_404(self):
        for path in ("/", "/v1", "/v1/users/", "/v1//users", "/shop.v1.Users/NoSuch"):
            with self.subTest(path=path):
                self.assert_problem(get(path), 404, "NOT_FOUND")

    def test_dots_and_bad_escapes_are_refused(self):
        for path in ("/v1/x/../users/1", "/v1/%2e%2E/users/1", "/v1/users/%00", "/v1/users/%ff"):
            with self.subTest(path=path):
                answer = get(path, "--path-as-is")
                self.assert_problem(answer, 400, "INVALID_ARGUMENT")


class Contents(RestCase):
    def test_an_answer_that_the_client_cannot_take_is_not_made(self):
        answer = get("/v1/users/7", "-H", "accept: text/html")
        self.assert_problem(answer, 406, "INVALID_ARGUMENT", "Accept")
        self.assertEqual(get("/v1/users/7", "-H", "accept: text/html, */*;q=0.1").status, 200)

    def test_a_form_is_415_with_the_flag_to_use_instead(self):
        answer = get("/v1/users", "-d", "display_name=x")
        self.assert_problem(answer, 415, "INVALID_ARGUMENT", "--json")
        self.assertEqual(answer.headers["accept"], "application/json")
        empty = get("/v1/orders/17:cancel", "-X", "POST", "-H", "content-type: text/plain")
        self.assert_problem(empty, 415, "INVALID_ARGUMENT")

    def test_an_unknown_content_encoding_is_415(self):
        answer = get("/v1/users", "--json", "{}", "-H", "content-encoding: snappy")
        self.assert_problem(answer, 415, "UNIMPLEMENTED")
        self.assertIn("gzip", answer.headers["accept-encoding"])

    def test_a_body_over_the_limit_is_413_in_both_versions(self):
        with tempfile.NamedTemporaryFile() as large:
            Path(large.name).write_text(json.dumps({"displayName": "x" * (5 << 20)}))
            answer = get("/v1/users", "--json", f"@{large.name}")
            self.assert_problem(answer, 413, "RESOURCE_EXHAUSTED", "message_bytes_max")
            answer = get("/v1/users", "--http2-prior-knowledge", "--json", f"@{large.name}")
            self.assert_problem(answer, 413, "RESOURCE_EXHAUSTED", "message_bytes_max")

    def test_an_answer_before_the_end_of_the_request_arrives_over_http2(self):
        answer = get("/nowhere", "--http2-prior-knowledge", "--json", "{}")
        self.assert_problem(answer, 404, "NOT_FOUND")

    def test_a_body_where_none_is_bound_is_refused(self):
        answer = get("/v1/users/7", "-X", "DELETE", "--json", '{"etag": "x"}')
        self.assert_problem(answer, 400, "INVALID_ARGUMENT")


class Errors(RestCase):
    def test_json_of_the_wrong_kind_names_field_line_and_column(self):
        body = '{"user_id": 42,\n "lines": [{"product_id": 2, "quantity": "many"}]}'
        answer = get("/v1/orders", "--json", body)
        problem = self.assert_problem(answer, 400, "INVALID_ARGUMENT", "line 2, column 42")
        self.assertEqual([one["field"] for one in problem["errors"]], ["order.lines[0].quantity"])

    def test_strictness_reaches_unknown_double_and_exclusive_fields(self):
        for body in (
            '{"displayNam": "x"}',
            '{"displayName": "x", "display_name": "x"}',
            '{"person": {}, "company": {"legalName": "x"}}',
            '{"displayName": true}',
            '{"newsletter": "yes"}',
            '{"displayName": "x",}',
            "[]",
        ):
            with self.subTest(body=body):
                answer = get("/v1/users", "--json", body)
                self.assert_problem(answer, 400, "INVALID_ARGUMENT")

    def test_a_bad_query_names_the_parameter(self):
        for query, field in (
            ("colour=red", "colour"),
            ("page_size=many", "page_size"),
            ("page_size=1&pageSize=1", "pageSize"),
            ("filter=x", "filter"),
            ("filter.createdAfter=yesterday", "filter.createdAfter"),
        ):
            with self.subTest(query=query):
                problem = self.assert_problem(get(f"/v1/users?{query}"), 400, "INVALID_ARGUMENT")
                self.assertEqual(problem["errors"][0]["field"], field)

    def test_violations_that_the_upstream_finds_come_in_both_forms(self):
        problem = self.assert_problem(send("POST", "/v1/users", {}), 400, "INVALID_ARGUMENT")
        fields = [one["field"] for one in problem["errors"]]
        self.assertEqual(fields, ["user.display_name", "user.email"])
        (bad,) = [one for one in problem["details"] if one["@type"].endswith("rpc.BadRequest")]
        self.assertEqual([one["field"] for one in bad["fieldViolations"]], fields)

    def test_details_are_decoded(self):
        problem = self.assert_problem(get("/v1/users/99999"), 404, "NOT_FOUND", "user 99999")
        details = {one["@type"].rpartition(".")[2]: one for one in problem["details"]}
        self.assertEqual(details["ResourceInfo"]["resourceName"], "99999")
        self.assertEqual(details["ErrorInfo"]["domain"], "shop.example")

    def test_retry_info_becomes_retry_after(self):
        recount = send("POST", "/v1/products/5:recount", {"duration": "600s"})
        self.assertEqual(recount.status, 200, recount)
        lines = [{"productId": 5, "quantity": 1}]
        answer = send("POST", "/v1/orders", {"userId": 42, "lines": lines})
        problem = self.assert_problem(answer, 503, "UNAVAILABLE", "being counted")
        (delay,) = [one["retryDelay"] for one in problem["details"] if "retryDelay" in one]
        seconds = float(delay.rstrip("s"))
        self.assertTrue(0 <= int(answer.headers["retry-after"]) - seconds < 1, answer)

    def test_an_any_in_an_answer_is_json(self):
        operation = send("POST", "/v1/products/6:recount", {"duration": "0.001s"}).json
        path = f"/v1/{operation['name']}"
        done = harness.wait_until(
            lambda: (now := get(path).json).get("done") and now, "the recount to be done"
        )
        self.assertEqual(done["response"]["@type"], "type.googleapis.com/shop.v1.Product")
        self.assertEqual(done["response"]["productId"], "6")


class RequestIds(RestCase):
    def test_a_sane_one_is_kept(self):
        answer = get("/v1/users/7", "-H", "x-request-id: A.b_c-1")
        self.assertEqual(answer.headers["x-request-id"], "A.b_c-1")

    def test_another_is_replaced(self):
        for bad in ("a b", "x" * 129, "é"):
            with self.subTest(bad=bad):
                answer = get("/v1/users/7", "-H", f"x-request-id: {bad}")
                self.assertRegex(answer.headers["x-request-id"], r"^[A-Za-z0-9._-]{1,128}$")
                self.assertNotEqual(answer.headers["x-request-id"], bad)

    def test_each_answer_has_its_own(self):
        ids = {get("/v1/users/7").headers["x-request-id"] for _ in range(3)}
        self.assertEqual(len(ids), 3)


class Streams(RestCase):
    def test_each_message_is_a_line_as_soon_as_it_is_sent(self):
        for version in ("--http1.1", "--http2-prior-knowledge"):
            with self.subTest(version=version):
                self.watch_an_order(version)

    def watch_an_order(self, version: str):
        order = new_order()["orderId"]
        watch = Lines(version, f"{gateway.url}/v1/orders/{order}:watch")
        self.addCleanup(watch.stop)
        first = json.loads(watch.next())
        self.assertEqual((first["sequence"], first["order"]["status"]), ("1", "PLACED"))
        # The second message does not exist before the first has been read.
        for at, status in enumerate(("PAID", "PACKED", "SHIPPED", "DELIVERED"), start=2):
            self.assertEqual(send("POST", f"/v1/orders/{order}:advance", {}).status, 200)
            event = json.loads(watch.next())
            self.assertEqual((event["sequence"], event["order"]["status"]), (str(at), status))
            if status == "SHIPPED":
                kind = event["detail"]["@type"]
                self.assertEqual(kind, "type.googleapis.com/shop.v1.Shipment")
        self.assertEqual(watch.next(), "")
        self.assertEqual(watch.exit_status(), 0)

    def test_a_stream_that_fails_first_has_the_status(self):
        self.assert_problem(get("/v1/orders/999999:watch"), 404, "NOT_FOUND")

    def test_a_stream_is_ndjson(self):
        answer = get("/v1/orders/17:watch")
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        self.assertEqual(answer.body.count(b"\n"), 1)


class Load(unittest.TestCase):
    """h2load checks framing more strictly than curl does."""

    def run_h2load(self, *flags: str):
        command = [harness.tool("h2load"), "-n", "2000", "-c", "8", *flags]
        command.append(f"{gateway.url}/v1/users/7")
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        self.assertRegex(done.stdout, r"2000 succeeded, 0 failed, 0 errored, 0 timeout")
        self.assertTrue(re.search(r"status codes: 2000 2xx", done.stdout), done.stdout)

    def test_http2_with_many_streams_a_connection(self):
        self.run_h2load("-m", "16")

    def test_http1_with_keep_alive(self):
        self.run_h2load("--h1")


class LongAnswers(unittest.TestCase):
    """Of a mebibyte: they leave in pieces."""

    def test_are_the_same_over_each_version_of_http(self):
        user = b"\x08\x07\x12\x03Ada"  # User {user_id: 7, display_name: "Ada"}
        count = 150_000
        _, gateway = strict_users(self, (b"\x0a" + bytes([len(user)]) + user) * count)
        for version in ("--http1.1", "--http2-prior-knowledge"):
            answer = curl(version, f"{gateway.url}/v1/users?fields=users(userId,displayName)")
            self.assertEqual(answer.status, 200)
            users = json.loads(answer.body)["users"]
            self.assertEqual(len(users), count)
            self.assertEqual(users[-1], {"userId": "7", "displayName": "Ada"})
            self.assertNotIn("content-length", answer.headers)


if __name__ == "__main__":
    unittest.main()
