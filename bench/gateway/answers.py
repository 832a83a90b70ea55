"""Asks once and compares, so that nothing wrong is ever timed."""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import canned
from .load import url
from .places import CANNED
from .scenarios import Load

PATIENCE_SECONDS = 5.0  # a gateway may listen before its upstream is connected


class WrongAnswer(Exception):
    """The text says what was wrong with the answer."""


@dataclass(frozen=True)
class Answer:
    status: int
    fields: dict[str, str]  # headers and trailers, lower-case names
    body: bytes


def check(load: Load, port: int) -> int:
    """The size of the right answer's body. Raises WrongAnswer if none comes in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = ask(load, port)
        wrong = problem(load, answer)
        if wrong is None:
            return len(answer.body)
        if time.monotonic() > deadline:
            raise WrongAnswer(wrong)
        time.sleep(0.1)


def problem(load: Load, answer: Answer) -> str | None:
    if answer.status != 200:
        return f"status {answer.status}: {answer.body[:200]!r}"
    if load.kind == "grpc":
        return grpc_problem(load.answer, answer)
    return json_problem(load.answer, answer)


def json_problem(name: str, answer: Answer) -> str | None:
    expected = canned.user_json() if name == "user" else canned.list_json()
    try:
        got = json.loads(answer.body)
    except ValueError as error:
        return f"not JSON ({error}): {answer.body[:200]!r}"
    return None if got == expected else f"another {name}: {answer.body[:400]!r}"


def grpc_problem(name: str, answer: Answer) -> str | None:
    status = answer.fields.get("grpc-status")
    if status != "0":
        return f"grpc-status {status}, message {answer.fields.get('grpc-message')}"
    if answer.body != canned.frame((CANNED / f"{name}.bin").read_bytes()):
        return f"another {name}: {answer.body[:400]!r}"
    return None


def ask(load: Load, port: int) -> Answer:
    """With curl, which knows HTTP/2 and shows trailers. Status 0: no answer."""
    with tempfile.TemporaryDirectory() as folder:
        head, body = Path(folder) / "head", Path(folder) / "body"
        line = ["curl", "--silent", "--max-time", "5", "-D", str(head), "-o", str(body)]
        line.append(version(load))
        if load.tls:
            line.append("--insecure")  # what is measured is speed; every peer has our certificate
        if load.body is not None:
            line += ["--data-binary", f"@{CANNED / load.body}"]
        for header in load.headers:
            line += ["-H", header]
        subprocess.run([*line, url(load, port)], check=False)
        status, fields = parse_head(head.read_text(errors="replace") if head.exists() else "")
        return Answer(status, fields, body.read_bytes() if body.exists() else b"")


def version(load: Load) -> str:
    if load.http == 1:
        return "--http1.1"
    return "--http2" if load.tls else "--http2-prior-knowledge"


def parse_head(dump: str) -> tuple[int, dict[str, str]]:
    """curl's dump: the status line and headers, then the trailers."""
    status, fields = 0, {}
    for line in dump.splitlines():
        name, colon, value = line.partition(":")
        if line.startswith("HTTP/"):
            status = int(line.split()[1])
        elif colon:
            fields[name.strip().lower()] = value.strip()
    return status, fields
