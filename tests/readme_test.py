"""README's section "Your own service", typed by a newcomer: its files written, its commands run,
each answer compared with the comment behind the command. Folders and ports are the test's own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import harness  # noqa: E402

_SECTION = re.compile(r"^## Your own service.*?(?=^## )", re.MULTILINE | re.DOTALL)
_FILE = re.compile(
    r"^`(?P<name>[\w.]+)`[^\n]*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"^(?P<command>curl .*?)\s+# (?P<answer>.*)$", re.MULTILINE)


class OwnService(unittest.TestCase):
    def setUp(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        self.section = _SECTION.search(readme)[0]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.service_port, self.port = harness.free_port(), harness.free_port()

    def own(self, text: str) -> str:
        """The text with this test's folder and ports."""
        text = text.replace("/tmp/hello", str(self.folder / "hello"))
        text = text.replace("127.0.0.1:50051", f"127.0.0.1:{self.service_port}")
        text = text.replace("serve --up", f"serve --listen 127.0.0.1:{self.port} --admin off --up")
        return text.replace("curl ", "curl -s ").replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")

    def shell(self, script: str) -> str:
        return subprocess.run(["bash", "-ec", script], cwd=ROOT, check=True, capture_output=True,
                              text=True, timeout=300).stdout  # fmt: skip

    def start(self, script: str) -> Path:
        """Runs it in a session of its own, so that what it puts into the background ends, too;
        gives the file with its output."""
        output = self.folder / "output"
        with output.open("wb") as log:
            running = subprocess.Popen(["bash", "-ec", script], cwd=self.folder / "hello",
                                       stdout=log, stderr=log, start_new_session=True)  # fmt: skip
        self.addCleanup(running.wait)
        self.addCleanup(os.killpg, running.pid, signal.SIGKILL)
        return output

    def test_answers_what_the_readme_says(self):
        prepare, serve, ask = _SHELL.findall(self.section)
        self.shell(self.own(prepare))
        files = {match["name"]: match["text"] for match in _FILE.finditer(self.section)}
        self.assertEqual(sorted(files), ["hello.proto", "server.py"])
        for name, text in files.items():
            (self.folder / "hello" / name).write_text(self.own(text), encoding="utf-8")
        said = self.start(f"parley={ROOT}\n" + self.own(serve))
        harness.wait_until(lambda: "ready: " in said.read_text(), "Parley is ready", seconds=30)
        self.assertIn("/v1/greetings/{name}", said.read_text())
        answers = list(_ANSWER.finditer(ask))
        self.assertEqual(len(answers), 3)
        for one in answers:
            got = self.shell(self.own(one["command"]))
            if one["answer"].startswith("{"):
                self.assertEqual(got, one["answer"])
            else:
                self.assertIn('"status":400', got)
                self.assertIn("times", got)


if __name__ == "__main__":
    unittest.main()
