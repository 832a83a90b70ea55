"""A grpc++ client through Parley: the shop's orders service asks the other two by way of it."""

import unittest

import harness
from harness import BUILD, Gateway, Process, Shop, curl


def setUpModule():
    global shop, inner, orders, outer
    shop = Shop()
    unittest.addModuleCleanup(shop.stop)
    users, catalogue = shop.addresses["users"], shop.addresses["catalogue"]
    inner = Gateway("--upstream", users, "--upstream", catalogue)
    unittest.addModuleCleanup(inner.stop)
    address = f"127.0.0.1:{inner.port}"
    data = harness.tempfile.TemporaryDirectory(prefix="orders-")
    unittest.addModuleCleanup(data.cleanup)
    flags = ["--data", data.name, "--listen", "127.0.0.1:0", "--pace", "0"]
    flags += ["--users", address, "--catalogue", address]
    orders = Process(BUILD / "demo/shop", "orders", *flags)
    unittest.addModuleCleanup(orders.stop)
    outer = Gateway("--upstream", orders.wait_for(r"^listening on (\S+)")[1])
    unittest.addModuleCleanup(outer.stop)


class GrpcppClient(unittest.TestCase):
    def test_an_order_checks_the_user_and_reserves_stock_through_the_gateway(self):
        body = '{"lines": [{"productId": "2", "quantity": 1}]}'
        answer = curl("--json", body, f"{outer.url}/v1/users/7/orders")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["userId"], "7")
        log = inner.process.output
        self.assertIn("shop.v1.Users.GetUser", log)
        self.assertIn("shop.v1.Catalogue.ReserveStock", log)

    def test_a_status_of_the_inner_service_comes_through_both(self):
        body = '{"lines": [{"productId": "2", "quantity": 1}]}'
        answer = curl("--json", body, f"{outer.url}/v1/users/999999/orders")
        self.assertIn(answer.status, (400, 404), answer)
        self.assertIn("application/problem+json", answer.headers["content-type"])
