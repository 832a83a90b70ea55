"""An attacker, in a process of its own: floods on one HTTP/2 connection after the other.

usage: flooder.py PORT SECONDS FILE   (FILE: the bytes of one connection, behind its preface)

Prints `ready`, and at its end an object: how connections ended, and how many of them did so."""

import json
import socket
import struct
import sys
import time
from collections import Counter
from pathlib import Path

import frames

ANSWER_SECONDS = 10  # until there is a GOAWAY
HELLO = frames.PREFACE + frames.settings({})


def reason(goaway: frames.Frame) -> str:
    """The code and the text of a GOAWAY."""
    code = struct.unpack(">I", goaway.payload[4:8])[0]
    return f"{code} {goaway.payload[8:].decode()}"


def ending(port: int, raw: bytes) -> str:
    """The code and the text of the GOAWAY that a flood is answered with."""
    reader, received = frames.FrameReader(), b"?"
    said = "nothing"
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as peer:
        try:
            peer.sendall(HELLO + raw)
        except OSError:
            pass  # it has been sent away before its end
        while received:
            try:
                received = peer.recv(1 << 16)
            except ConnectionResetError:
                break
            for one in reader.feed(received):
                if one.kind == frames.GOAWAY:
                    said = reason(one)
    return said


def main(port: str, seconds: str, file: str):
    raw = Path(file).read_bytes()
    print("ready", flush=True)
    endings: Counter = Counter()
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        endings[ending(int(port), raw)] += 1
    print(json.dumps(endings))


if __name__ == "__main__":
    main(*sys.argv[1:])
