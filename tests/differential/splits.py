"""Sends bytes to a server and tells into which requests it has split them."""

import asyncio
import re
from dataclasses import dataclass

# Behind every message: whoever takes it for a part of that message does not answer it.
FOLLOW_UP = b"GET /follow-up HTTP/1.1\r\nHost: follow.example\r\nConnection: close\r\n\r\n"
QUIET_SECONDS = 1.0  # without a byte: the server waits for more
CONNECTIONS = 64  # at once


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


HEAD = re.compile(rb"HTTP/1\.\d (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


def read_answers(stream: bytes) -> list[Answer]:
    """The final answers in what a server sent; a last one that is cut off counts."""
    answers = []
    while found := HEAD.match(stream):
        headers = {}
        for line in found[2].decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        status, stream = int(found[1]), stream[found.end() :]
        if status < 200:
            continue
        body, stream = cut_body(status, headers, stream)
        answers.append(Answer(status, headers, body))
    return answers


def cut_body(status: int, headers: dict[str, str], stream: bytes) -> tuple[bytes, bytes]:
    if status in (204, 304) or headers.get("x-seen", "").startswith("HEAD "):
        return b"", stream
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while chunk := re.match(rb"([0-9A-Fa-f]+)\r\n", stream):
            size = int(chunk[1], 16)
            body += stream[chunk.end() : chunk.end() + size]
            stream = stream[chunk.end() + size + 2 :]
            if size == 0:
                break
        return body, stream
    size = int(headers.get("content-length", len(stream)))
    return stream[:size], stream[size:]


@dataclass(frozen=True)
class Talk:
    """What a server sent until it closed, or said nothing for long: then it waits for more."""

    answers: list[Answer]
    closed: bool


async def talk(port: int, sent: bytes, quiet: float) -> Talk:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received, closed = b"", True
    try:
        writer.write(sent)
        while chunk := await asyncio.wait_for(reader.read(65536), quiet):
            received += chunk
    except asyncio.TimeoutError:
        closed = False
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return Talk(read_answers(received), closed)


def ask_all(port: int, messages: list[bytes], quiet: float = QUIET_SECONDS) -> list[Talk]:
    """What comes for each message and the follow-up behind it, each on a connection of its own."""

    async def run() -> list[Talk]:
        room = asyncio.Semaphore(CONNECTIONS)

        async def one(message: bytes) -> Talk:
            async with room:
                return await talk(port, message + FOLLOW_UP, quiet)

        return await asyncio.gather(*map(one, messages))

    return asyncio.run(run())
