"""What testssl.sh finds against a listener. Nothing above LOW, and of LOW only what docs/tls.md
explains."""

import json
import os
import subprocess
import unittest

from certificates import Authority
from harness import Gateway, Shop, free_port, tool

# Every finding of severity LOW, with its reason in docs/tls.md.
EXPLAINED = {"DNS_CAArecord"}
# What it says of its own tools. Its client may leave before a ticket of TLS 1.3 has come, and then
# has none to resume with; tls_test.py looks at resumption.
ITS_OWN = {"engine_problem", "sessionresumption_ticket"}
# What takes the most time is left out: each cipher that there is, one by one, and clients of all
# kinds. ./dev soak looks at all of it (PARLEY_SOAK in the environment).
SHORT = ("--protocols", "--std", "--server-defaults", "--server-preference", "--fs", "--headers",
         "--vulnerable")
SECONDS = 1200


class Testssl(unittest.TestCase):
    def setUp(self):
        self.shop = Shop()
        self.addCleanup(self.shop.stop)
        self.authority = Authority()
        self.addCleanup(self.authority.remove)

    def gateway(self) -> Gateway:
        # An authority of the internet names a list of what it has revoked.
        pair = self.authority.issue("DNS:localhost", "IP:127.0.0.1", days=85,
                                    extensions=["crlDistributionPoints=URI:http://ca.test/crl"],
                                    common_name="localhost")
        port = free_port()
        config = self.authority.folder / "parley.yaml"
        config.write_text(f"listeners:\n  - address: 127.0.0.1:{port}\n    hsts: 8760h\n"
                          f"    tls: {{cert: {pair.cert}, key: {pair.key}}}\n")
        gateway = Gateway("--config", str(config), "--upstream", self.shop.addresses["users"],
                          port=port)
        self.addCleanup(gateway.stop)
        return gateway

    def test_finds_nothing_above_low(self):
        gateway = self.gateway()
        found = self.authority.folder / "found.json"
        checks = () if os.environ.get("PARLEY_SOAK") else SHORT
        command = [tool("testssl"), "--quiet", "--color", "0", "--warnings", "off", "--ip", "one",
                   "--nodns", "min", "--add-ca", str(self.authority.ca), "--jsonfile", str(found),
                   *checks, f"https://localhost:{gateway.port}/"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=SECONDS, check=False)
        self.assertTrue(found.exists(), done.stdout + done.stderr)
        findings = json.loads(found.read_text(encoding="utf-8"))
        names = {one["id"] for one in findings}
        # It has looked: at versions, ciphers, the certificate and known attacks.
        for name in ("TLS1_3", "cipherlist_NULL", "cert_chain_of_trust", "heartbleed", "PFS"):
            self.assertIn(name, names, done.stdout)
        harmless = ("OK", "INFO", "DEBUG")
        bad = [one for one in findings if one["severity"] not in harmless
               and one["id"] not in ITS_OWN
               and not (one["severity"] == "LOW" and one["id"] in EXPLAINED)]
        self.assertEqual(bad, [], done.stdout)


if __name__ == "__main__":
    unittest.main()
