"""Parts of a puppet's answers: functions of the stream that give bytes to say on it."""

from collections.abc import Callable

import frames
from frames import data, rst_stream
from puppet import OK_HEAD, Stream


def says(*parts: Callable[[Stream], bytes]) -> Callable[[Stream], None]:
    return lambda stream: stream.send(b"".join(part(stream) for part in parts))


def head(fields=None, **how):
    return lambda stream: stream.head_frame(fields, **how)


def message(text="ok"):
    return lambda stream: stream.message_frame(text)


def body(raw: bytes, **how):
    return lambda stream: data(stream.number, raw, **how)


def trailers(fields=None):
    return lambda stream: stream.trailers_frame(fields)


def raw(kind: int, flags: int, payload: bytes):
    return lambda stream: frames.frame(kind, flags, stream.number, payload)


def connection(sent: bytes):
    """The same bytes whatever the stream."""
    return lambda stream: sent


def status(text: str | bytes, *more):
    """Trailers only, as errors usually come."""
    return says(head([*OK_HEAD, ("grpc-status", text), *more], ends=True))


def reset(code: int):
    return lambda stream: rst_stream(stream.number, code)
