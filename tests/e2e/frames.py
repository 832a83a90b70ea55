"""HTTP/2 frames by hand (RFC 9113): what tests need to say wrong things, and to see what was sent.

Headers leave as literals, which need no table; they are read with nghttp2's own HPACK decoder.
"""

import ctypes
import ctypes.util
import struct
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)

END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR = 0, 1, 2
REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 7, 8, 11

FRAME_BYTES_MAX = 16384
WINDOW_BYTES = 65535


class Frame(NamedTuple):
    """One frame as it came; `payload` is not looked at."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def number(self) -> int:
        """The first 32 bits: RST_STREAM's code, WINDOW_UPDATE's increment."""
        return int.from_bytes(self.payload[:4], "big")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame; nothing is checked."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in values.items()))


def rst_stream(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def goaway(last_stream: int, code: int) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, code))


def data(stream: int, payload: bytes, *, ends: bool = False) -> bytes:
    """DATA frames of the usual size, at least one."""
    parts = [payload[at : at + FRAME_BYTES_MAX] for at in range(0, len(payload), FRAME_BYTES_MAX)]
    parts = parts or [b""]
    last = len(parts) - 1
    return b"".join(
        frame(DATA, END_STREAM if ends and at == last else 0, stream, part)
        for at, part in enumerate(parts)
    )


def headers(stream: int, fields: list[tuple[str, str | bytes]], *, ends: bool = False) -> bytes:
    """A header block, in CONTINUATION frames too where it is long."""
    block = encode(fields)
    parts = [block[at : at + FRAME_BYTES_MAX] for at in range(0, len(block), FRAME_BYTES_MAX)]
    parts = parts or [b""]
    flags = END_STREAM if ends else 0
    frames = []
    for at, part in enumerate(parts):
        end = END_HEADERS if at == len(parts) - 1 else 0
        kind, flag = (CONTINUATION, 0) if at else (HEADERS, flags)
        frames.append(frame(kind, end | flag, stream, part))
    return b"".join(frames)


def encode(fields: list[tuple[str, str | bytes]]) -> bytes:
    """HPACK: literals that no table remembers (RFC 7541, 6.2.2), not Huffman coded."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(text: str | bytes) -> bytes:
    raw = text if isinstance(text, bytes) else text.encode("utf-8")
    return _integer(len(raw)) + raw


def _integer(value: int) -> bytes:
    """RFC 7541, 5.1, with a prefix of 7 bits that follows a zero bit."""
    if value < 127:
        return bytes([value])
    out, value = bytearray([127]), value - 127
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


class FrameReader:
    """Cuts bytes into frames."""

    def __init__(self):
        self._bytes = bytearray()

    def feed(self, received: bytes) -> list[Frame]:
        self._bytes += received
        frames, at, waiting = [], 0, self._bytes
        while len(waiting) - at >= 9:
            end = at + 9 + int.from_bytes(waiting[at : at + 3], "big")
            if end > len(waiting):
                break
            stream = int.from_bytes(waiting[at + 5 : at + 9], "big")
            payload = bytes(waiting[at + 9 : end])
            frames.append(Frame(waiting[at + 3], waiting[at + 4], stream, payload))
            at = end
        del waiting[:at]
        return frames


class _Pair(ctypes.Structure):
    """nghttp2_nv."""

    _fields_ = [
        ("name", ctypes.POINTER(ctypes.c_char)),
        ("value", ctypes.POINTER(ctypes.c_char)),
        ("name_size", ctypes.c_size_t),
        ("value_size", ctypes.c_size_t),
        ("flags", ctypes.c_uint8),
    ]


_nghttp2 = ctypes.CDLL("libnghttp2.so.14")
_inflate = _nghttp2.nghttp2_hd_inflate_hd2
_inflate.restype = ctypes.c_ssize_t
_inflate.argtypes = [
    ctypes.c_void_p,
    ctypes.POINTER(_Pair),
    ctypes.POINTER(ctypes.c_int),
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
]
_FINAL, _EMIT = 1, 2


class HeaderReader:
    """The header blocks of one direction of a connection, in their order."""

    def __init__(self):
        self._decoder = ctypes.c_void_p()
        assert _nghttp2.nghttp2_hd_inflate_new(ctypes.byref(self._decoder)) == 0

    def __del__(self):
        _nghttp2.nghttp2_hd_inflate_del(self._decoder)

    def read(self, block: bytes) -> dict[str, str]:
        """The fields; of several with one name the last."""
        pair, flags, fields = _Pair(), ctypes.c_int(), {}
        buffer = ctypes.create_string_buffer(block, len(block))
        at = 0
        while True:
            flags.value = 0
            used = _inflate(
                self._decoder,
                ctypes.byref(pair),
                ctypes.byref(flags),
                ctypes.addressof(buffer) + at,
                len(block) - at,
                1,
            )
            assert used >= 0, f"HPACK: {used}"
            at += used
            if flags.value & _EMIT:
                name = pair.name[: pair.name_size].decode("latin-1")
                fields[name] = pair.value[: pair.value_size].decode("latin-1")
            if flags.value & _FINAL:
                _nghttp2.nghttp2_hd_inflate_end_headers(self._decoder)
                return fields


def header_block(received: Frame) -> bytes:
    """What is left of a HEADERS frame without padding and priority."""
    block = received.payload
    if received.flags & PADDED:
        block = block[1 : len(block) - block[0]]
    return block[5:] if received.flags & PRIORITIZED else block


def grpc_frame(message: bytes, *, flags: int = 0, size: int | None = None) -> bytes:
    """A message with gRPC's prefix; `size` says another length than it has."""
    return struct.pack(">BI", flags, len(message) if size is None else size) + message


def text_message(text: str | bytes) -> bytes:
    """`message Text { string text = 1; }` on the wire."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8")
    return b"\x0a" + _varint(len(raw)) + raw


def text_of(message: bytes) -> bytes:
    """The other way round; the message has that one field or none."""
    at = 1
    while at < len(message) and message[at] & 128:
        at += 1
    return message[at + 1 :]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)
