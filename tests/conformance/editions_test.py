"""The descriptor set of src/wire/editions_test.cc is what a protoc that knows editions makes."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build/tools/python/bin/python"
TESTDATA = ROOT / "src/wire/testdata"


class Editions(unittest.TestCase):
    def test_the_descriptor_set_is_made_of_the_protos_beside_it(self):
        """PARLEY_UPDATE=1 makes it anew."""
        protos = sorted(path.name for path in (TESTDATA / "editions").glob("*.proto"))
        with tempfile.NamedTemporaryFile(suffix=".binpb") as made:
            subprocess.run(
                [str(PYTHON), "-m", "grpc_tools.protoc", "-I", str(TESTDATA / "editions"),
                 f"--descriptor_set_out={made.name}", *protos],
                check=True, stderr=subprocess.DEVNULL)
            fresh = Path(made.name).read_bytes()
        kept = TESTDATA / "editions.binpb"
        if os.environ.get("PARLEY_UPDATE") == "1":
            kept.write_bytes(fresh)
        self.assertEqual(kept.read_bytes(), fresh)


if __name__ == "__main__":
    unittest.main()
