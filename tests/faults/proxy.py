"""A proxy between a client and PostgreSQL that loses things at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Fault(Enum):
    """What happens to the next message of the chosen client.

    NEVER_SENT: the server does not get it. NO_ANSWER: the server answers, nobody hears. GHOST: the client is cut off
    while the server works on it.
    """

    NEVER_SENT = "never sent"
    NO_ANSWER = "no answer"
    GHOST = "ghost"


class Proxy:
    """Passes everything on until armed; `struck` is set when the fault has happened."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._armed: tuple[bytes, Fault, bytes] | None = None
        self.struck = asyncio.Event()

    def arm(self, application_name: str, fault: Fault, at: bytes = b"") -> None:
        """Lets the fault strike the next message of the client that connected under this name which has these bytes."""
        self._armed = (application_name.encode(), fault, at)
        self.struck.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client."""
        server_reader, server_writer = await asyncio.open_unix_connection(self._upstream)
        startup = await _startup(reader)
        server_writer.write(startup)
        answers = asyncio.create_task(_pass_on(server_reader, writer))
        try:
            while data := await reader.read(1 << 16):
                if self._armed is not None and self._armed[0] in startup and self._armed[2] in data:
                    fault, self._armed = self._armed[1], None
                    answers.cancel()
                    with suppress(asyncio.CancelledError):
                        await answers
                    if fault is not Fault.NEVER_SENT:
                        server_writer.write(data)
                        await server_writer.drain()
                    if fault is Fault.NO_ANSWER:
                        await _until_answered(server_reader)
                    writer.transport.abort()
                    self.struck.set()
                    if fault is Fault.GHOST:
                        await server_reader.read()  # keeps the backend's side open until it ends by itself
                    return
                server_writer.write(data)
                await server_writer.drain()
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            server_writer.close()
            writer.close()


async def _startup(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big") - 4)


async def _until_answered(reader: asyncio.StreamReader) -> None:
    """Reads until the server says that it is ready for the next query, which follows the commit."""
    tail = b""
    while not tail.endswith(b"Z\x00\x00\x00\x05I"):
        tail = (tail + await reader.read(1 << 16))[-6:]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxied(url: str, folder: Path) -> AsyncIterator[tuple[Proxy, str]]:
    """Puts a proxy before the server of this URL; gives it and the URL that leads through it."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    port = query.get("port", ["5432"])[0]
    proxy = Proxy(f"{query['host'][0]}/.s.PGSQL.{port}")
    server = await asyncio.start_unix_server(proxy.serve, str(folder / ".s.PGSQL.5432"))
    try:
        yield proxy, parts._replace(query=f"host={folder}&port=5432").geturl()
    finally:
        server.close()
