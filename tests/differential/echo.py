#!/usr/bin/env python3
"""The upstream of the proxies: answers each request with what it saw, `x-seen: VERB BODY_BYTES`.

It reads what a proxy makes of a message, so it need not be strict; what it cannot read at all is
answered `x-seen: MALFORMED` and ends the connection.

usage: echo.py          prints its port
"""

import asyncio


async def read_chunked(reader: asyncio.StreamReader) -> int:
    total = 0
    while size := int((await reader.readline()).split(b";")[0], 16):
        total += size
        await reader.readexactly(size + 2)
    while (await reader.readline()).strip():
        pass
    return total


async def read_body(reader: asyncio.StreamReader, head: bytes) -> int:
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"transfer-encoding":
            return await read_chunked(reader)
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return length


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if b"\r\nexpect: 100-continue\r\n" in head.lower():
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                seen = f"{head.split(b' ')[0].decode('latin-1')} {await read_body(reader, head)}"
            except ValueError:
                seen = "MALFORMED"
            answer = f"HTTP/1.1 200 OK\r\nx-seen: {seen}\r\ncontent-length: 2\r\n\r\n"
            writer.write(answer.encode("latin-1") + (b"" if seen.startswith("HEAD ") else b"ok"))
            if seen == "MALFORMED":
                break
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        pass  # the proxy has closed
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
