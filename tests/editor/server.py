"""The language server that editors use for YAML, spoken to as an editor does: JSON-RPC over its standard streams."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
OLDEST_NODE = 18


class Unavailable(Exception):
    """Says what this machine lacks for an editor's server."""


def install() -> Path:
    """Give the server's program, installed once per machine as the lock file says."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("there is no node or no npm on the PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    if int(version.removeprefix("v").partition(".")[0] or 0) < OLDEST_NODE:
        raise Unavailable(f"node {version.strip()} is too old; the server needs {OLDEST_NODE}")
    lock = (PACKAGE / "package-lock.json").read_bytes()
    name = f"durable-dsl-editor-{os.getuid()}-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir(), name)
    if not folder.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        for file in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGE / file, fresh)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(fresh)
            told = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            raise Unavailable(f"npm cannot install yaml-language-server: {(told or ['?'])[0]}")
        try:
            fresh.rename(folder)
        except OSError:  # somebody else was faster
            shutil.rmtree(fresh)
    return folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"


class Server:
    """A running server, and the files that are open in it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            ["node", str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._requests = 0
        self._found: dict[str, list[dict[str, Any]]] = {}
        capabilities = {
            "textDocument": {"hover": {"contentFormat": ["markdown"]}, "publishDiagnostics": {}},
            "workspace": {"configuration": True},
        }
        self._ask("initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})

    def close(self) -> None:
        """End the server."""
        self._ask("shutdown", None)
        self._send({"method": "exit"})
        with self._process:
            assert self._process.wait(30) == 0

    def open(self, name: str, text: str) -> list[tuple[int, str]]:
        """Open a file and give what the editor underlines: the number of the line and the message."""
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self._found:
            self._take()
        return sorted((each["range"]["start"]["line"] + 1, each["message"]) for each in self._found[uri])

    def complete(self, text: str) -> list[str]:
        """Give what is offered at the `|` of a text, in alphabetical order."""
        offered = self._at_cursor("textDocument/completion", text)
        return sorted({item["label"] for item in offered["items"]})

    def hover(self, text: str) -> str:
        """Give what is shown to who points at the `|` of a text."""
        shown = self._at_cursor("textDocument/hover", text)
        return str(shown["contents"]["value"])

    def _at_cursor(self, method: str, text: str) -> Any:
        before, _, after = text.partition("|")
        name = f"cursor-{self._requests}.yaml"
        self.open(name, before + after)
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return self._ask(method, {"textDocument": {"uri": (self._folder / name).as_uri()}, "position": position})

    def _ask(self, method: str, params: object) -> Any:
        self._requests += 1
        asked = self._requests
        self._send({"id": asked, "method": method, "params": params})
        while True:
            message = self._take()
            if message.get("id") == asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _take(self) -> dict[str, Any]:
        """Take one message; what the server asks itself is answered at once."""
        assert self._process.stdout is not None
        length = 0
        while header := self._process.stdout.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._found[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            # Nothing is fetched: all that the server knows is the schema that the file names.
            yaml = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
            asked = message["params"]["items"] if message["method"] == "workspace/configuration" else []
            answer = [yaml if item.get("section") == "yaml" else {} for item in asked] or None
            self._send({"id": message["id"], "result": answer})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()
