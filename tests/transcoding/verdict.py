"""Whether what came of a case is what its table allows."""

import json
import re
import struct

from .client import Answer
from .contract import Contract, grpc, json_format
from .table import Case, Outcome
from .upstream import Call


def judge(contract: Contract, case: Case, calls: list[Call], answer: Answer) -> list[str]:
    """What is wrong: nothing when one of the allowed outcomes came, else what differs from the
    nearest one."""
    found = [_Comparison(contract, case, one, calls, answer).wrong() for one in case.outcomes]
    return min(found, key=len)


def shown(contract: Contract, calls: list[Call], answer: Answer) -> str:
    """What came, in one line."""
    parts = [f"call {one.method} {_request(contract, one)}" for one in calls] or ["no call"]
    kind = ",".join(answer.all("content-type"))
    body = answer.body.decode("utf-8", "backslashreplace").strip()
    return "; ".join([*parts, f"{answer.status} {kind} {body[:600]}".strip()])


def _request(contract: Contract, call: Call) -> str:
    try:
        return contract.json(contract.request(call.method).FromString(call.data))
    except Exception as error:  # whatever a gateway may have sent
        return f"{call.data.hex()} ({error})"


class _Comparison:
    def __init__(self, contract, case: Case, outcome: Outcome, calls: list[Call], answer: Answer):
        self._contract = contract
        self._case = case
        self._outcome = outcome
        self._calls = calls
        self._answer = answer
        self._wrong: list[str] = []

    def wrong(self) -> list[str]:
        self._compare_status()
        self._compare_call()
        for line in self._outcome.all("field"):
            self._compare_field(line)
        for line in self._outcome.all("no"):
            self._compare_absence(line)
        for name in self._outcome.all("has"):
            if not self._answer.all(name):
                self._wrong.append(f"there is no {name}")
        for line in self._outcome.all("error"):
            self._compare_error(line)
        self._compare_content()
        return self._wrong

    def _compare_status(self):
        allowed = self._outcome.one("status").split()
        status = f"{self._answer.status:03}"
        if not any(re.fullmatch(one.replace("x", "."), status) for one in allowed):
            self._wrong.append(f"the status is {self._answer.status}")

    def _compare_call(self):
        expected = self._outcome.one("call")
        if expected is None:
            if self._calls:
                self._wrong.append("the upstream was called")
            return
        if len(self._calls) != 1:
            self._wrong.append(f"{len(self._calls)} calls of the upstream")
            return
        call, (method, _, text) = self._calls[0], expected.partition(" ")
        if call.method != method:
            self._wrong.append(f"the call is {call.method}")
            return
        wanted = self._contract.parse(self._contract.request(method), text or "{}")
        if not self._same_request(call, wanted):
            self._wrong.append(f"the upstream got {_request(self._contract, call)}")
        self._compare_metadata(call)

    def _same_request(self, call: Call, wanted) -> bool:
        try:
            got = self._contract.request(call.method).FromString(call.data)
        except Exception:  # bytes that are no message
            return False
        return self._contract.text(got) == self._contract.text(wanted)

    def _compare_metadata(self, call: Call):
        for line in self._outcome.all("metadata"):
            name, _, value = line.partition(":")
            got = [one for key, one in call.metadata if key == name]
            if value.strip() not in got:
                self._wrong.append(f"metadata {name} is {got}")
        for line in self._outcome.all("deadline"):
            if call.seconds_left is None or not 0 < call.seconds_left <= float(line):
                self._wrong.append(f"the upstream has {call.seconds_left} s left")

    def _compare_field(self, line: str):
        name, _, value = line.partition(":")
        value, got = value.strip(), self._answer.all(name.lower())
        if name.lower() == "content-type":
            same = _media_type(",".join(got)) >= _media_type(value)
        elif name.lower() in ("allow", "accept", "accept-patch"):
            same = _members(",".join(got)) >= _members(value)
        else:
            same = value in got
        if not same:
            self._wrong.append(f"{name} is {got}")

    def _compare_absence(self, line: str):
        what, _, name = line.partition(" ")
        if what == "body" and self._answer.body:
            self._wrong.append("there is a body")
        if what == "field" and self._answer.all(name.lower()):
            self._wrong.append(f"{name} is {self._answer.all(name.lower())}")
        if what == "metadata":
            got = [value for call in self._calls for key, value in call.metadata if key == name]
            if got:
                self._wrong.append(f"the upstream got {name}: {got}")

    def _compare_error(self, line: str):
        code, _, text = line.partition(" ")
        try:
            got = Error(self._answer)
        except ValueError as error:
            self._wrong.append(f"the body is no error: {error}")
            return
        if got.code != code:
            self._wrong.append(f"the error's code is {got.code}")
        if text and got.text != text:
            self._wrong.append(f"the error says {got.text!r}")
        for wanted in self._outcome.all("details"):
            if not _includes(got.details, json.loads(wanted)):
                self._wrong.append(f"the details are {got.details}")

    def _compare_content(self):
        body = self._answer.body
        if (text := self._outcome.one("body")) is not None and body != text.encode():
            self._wrong.append(f"the body is {body[:200]!r}")
        if (data := self._outcome.one("body-hex")) is not None and body != bytes.fromhex(data):
            self._wrong.append(f"the body is {body[:200].hex(' ')}")
        if (text := self._outcome.one("says")) is not None and text.encode() not in body:
            self._wrong.append(f"the body does not name {text}")
        if (wanted := self._outcome.one("json")) is not None:
            self._compare_json(wanted)
        if self._outcome.all("item") or self._outcome.all("nothing"):
            self._compare_items(self._outcome.all("item"))

    def _compare_json(self, text: str):
        if not re.fullmatch(r"application/(.+\+)?json", self._answer.media_type):
            self._wrong.append(f"the content-type is {self._answer.media_type!r}")
        try:
            got = strict_json(self._answer.body)
        except ValueError as error:
            self._wrong.append(f"the body is no JSON: {error}")
            return
        self._compare_value(got, json.loads(text))
        for name in " ".join(self._outcome.all("absent")).split():
            if name in got:
                self._wrong.append(f"{name} is there: {got[name]!r}")

    def _compare_value(self, got, wanted):
        """`got` has all of `wanted`, and what it has more says nothing new: fields without presence
        that hold their default."""
        if not _includes(got, wanted) or not self._same_meaning(got, wanted):
            self._wrong.append(f"the answer is {json.dumps(got, ensure_ascii=False)[:600]}")

    def _same_meaning(self, got, wanted) -> bool:
        method = self._outcome.one("call")
        if method is None:
            return True
        method = method.split(" ")[0]
        kind = self._contract.answer(method)
        fields = self._contract.response_bodies(method)
        return any(self._same_message(kind, field, got, wanted) for field in fields)

    def _same_message(self, kind: type, field: str, got, wanted) -> bool:
        """Whether both say the same as a field of a message, or as the message itself."""
        try:
            texts = [json.dumps({field: one} if field else one) for one in (got, wanted)]
            first, second = (self._contract.parse(kind, text) for text in texts)
        except json_format.ParseError:
            return False
        return self._contract.text(first) == self._contract.text(second)

    def _compare_items(self, wanted: list[str]):
        """The messages of a stream: a line each, bare or in {"result": ...}, or a JSON array."""
        try:
            items = _items(self._answer.body)
        except ValueError as error:
            self._wrong.append(f"the body is no stream of JSON: {error}")
            return
        if len(items) != len(wanted):
            self._wrong.append(f"{len(items)} messages")
            return
        for got, text in zip(items, wanted, strict=True):
            value = json.loads(text)
            wraps = isinstance(got, dict) and list(got) == ["result"]
            self._compare_value(got["result"] if wraps else got, value)


class Error:
    """The error in an answer: problem+json (RFC 9457) with the code's name in `code`, google.rpc.
    Status as JSON, or AIP-193's `{"error": {...}}`. ValueError when it is none of them."""

    def __init__(self, answer: Answer):
        body = strict_json(answer.body)
        if not isinstance(body, dict):
            raise ValueError("it is no object")
        body = body["error"] if isinstance(body.get("error"), dict) else body
        code = body.get("status") if isinstance(body.get("status"), str) else body.get("code")
        names = {one.value[0]: one.name for one in grpc.StatusCode}
        self.code = names.get(code, code)
        self.text = body.get("detail", body.get("message", ""))
        self.details = body.get("details", [])
        if not isinstance(self.code, str):
            raise ValueError(f"its code is {code!r}")


def strict_json(data: bytes):
    """JSON (RFC 8259) in UTF-8: no NaN, no name twice. ValueError."""

    def refuse(what):
        raise ValueError(f"{what} is no JSON")

    def unique(pairs):
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def whole(digits):
        return -0.0 if digits == "-0" else int(digits)

    hooks = {"parse_constant": refuse, "parse_int": whole, "object_pairs_hook": unique}
    return json.loads(data.decode(), **hooks)


def _items(body: bytes) -> list:
    text = body.decode().strip()
    if text.startswith("["):
        return strict_json(body)
    return [strict_json(line.encode()) for line in text.split("\n") if line]


def _includes(got, wanted) -> bool:
    """Whether `got` has all of `wanted`; objects may have more."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            name in got and _includes(got[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(
            map(_includes, got, wanted)
        )
    numbers = [isinstance(one, int | float) and not isinstance(one, bool) for one in (got, wanted)]
    if all(numbers):
        return got == wanted or _same_float(got, wanted)
    return type(got) is type(wanted) and got == wanted


def _same_float(got: float, wanted: float) -> bool:
    """Whether they are texts of one 32-bit number, as 1e-45 and 1.4e-45 are."""
    try:
        return struct.pack("<f", got) == struct.pack("<f", wanted)
    except OverflowError:
        return False


def _media_type(text: str) -> set[str]:
    return {part.strip().lower() for part in text.split(";")}


def _members(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}
