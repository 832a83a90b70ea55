"""One HTTP/1.1 request as a case writes it, byte by byte, on a connection of its own."""

import http.client
from dataclasses import dataclass

from .table import Case

SECONDS = 10


@dataclass
class Answer:
    """`status` is 0 when none came; `body` says why then."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.fields if one == name]

    @property
    def media_type(self) -> str:
        return ",".join(self.all("content-type")).partition(";")[0].strip().lower()


def ask(case: Case, host: str, port: int) -> Answer:
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.putrequest(case.verb, case.target, skip_accept_encoding=True)
        for name, value in _fields(case):
            connection.putheader(name, value.encode())
        connection.endheaders(case.body)
        answer = connection.getresponse()
        fields = [(name.lower(), value) for name, value in answer.getheaders()]
        return Answer(answer.status, fields, answer.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, [], f"no answer: {error!r}".encode())
    finally:
        connection.close()


def _fields(case: Case) -> list[tuple[str, str]]:
    fields = list(case.fields)
    names = {name.lower() for name, _ in fields}
    if case.body is not None and case.typed and "content-type" not in names:
        fields.append(("content-type", "application/json"))
    if "transfer-encoding" in names:
        return fields
    if case.body is not None or case.verb in ("POST", "PUT", "PATCH"):
        fields.append(("content-length", str(len(case.body or b""))))
    return fields
