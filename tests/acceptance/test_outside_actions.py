"""Steps that reach outside without a line of Python: requests and programs, for real."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from durable_dsl import compile_text
from durable_runtime import AsyncDurable
from durable_runtime.client import Execution


class Service(BaseHTTPRequestHandler):
    """Answers with what was asked, busy at first, and remembers the keys that came."""

    keys: ClassVar[list[str | None]] = []
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self._answer(404, {"error": "no such thing"})
        elif self.path.startswith("/text"):
            self._answer(200, "plain words")
        else:
            self._answer(200, {"path": self.path, "agent": self.headers.get("x-agent")})

    def do_POST(self) -> None:
        self.keys.append(self.headers.get("idempotency-key"))
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if len(self.keys) < 3:
            self._answer(503, {"busy": True}, {"Retry-After": "0"})
        else:
            self._answer(201, {"got": body})

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def service() -> Iterator[str]:
    Service.keys.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(url: str, text: str, given: dict[str, Any] | None = None, *, allow_shell: bool = False) -> Execution:
    async def scenario() -> Execution:
        (graph,) = compile_text("workflow: w\n" + text)
        async with AsyncDurable(url) as durable:
            id = await durable.start(graph, given or {})
            await durable.worker(only=[id], allow_shell=allow_shell).run(until_idle=True)
            return await durable.get_execution(id, include_steps=True)

    return asyncio.run(scenario())


def test_a_request_gives_the_answer_as_a_value(database_url: str) -> None:
    with service() as base:
        execution = run(
            database_url,
            """
steps:
  - step: ask
    http: {url: "${ input.base }/things", query: {page: 2}, headers: {X-Agent: "w ${ input.name }"}}
    save: answer
  - {step: read, http: {url: "${ input.base }/text"}, output: "${ result.body }", save: text}
output: {status: "${ data.answer.status }", body: "${ data.answer.body }", text: "${ data.text }"}
""",
            {"base": base, "name": "seven"},
        )

    assert execution.output == {
        "status": 200,
        "body": {"path": "/things?page=2", "agent": "w seven"},
        "text": "plain words",
    }


def test_a_busy_service_is_asked_again_with_the_same_key(database_url: str) -> None:
    with service() as base:
        execution = run(
            database_url,
            """
steps:
  - step: create
    http: {method: POST, url: "${ input.base }/things", json: {name: "${ input.name }"}, expect: [201]}
    retry: {max_attempts: 5, delay: 1h}
    output: "${ result.body }"
    save: answer
output: "${ data.answer }"
""",
            {"base": base, "name": "seven"},
        )

    # Two answers said "busy, come back at once", so the hour between attempts did not count.
    assert execution.output == {"got": {"name": "seven"}}
    assert len(Service.keys) == 3
    assert len(set(Service.keys)) == 1
    assert Service.keys[0] is not None


def test_an_answer_that_means_never_is_not_asked_for_again_and_can_be_caught(database_url: str) -> None:
    with service() as base:
        execution = run(
            database_url,
            """
steps:
  - step: ask
    http: {url: "${ input.base }/missing"}
    retry: 5
    catch:
      - errors: [HttpStatus]
        steps: [{step: note, set: {status: "${ error.data.status }", attempt: "${ error.attempt }"}}]
output: {status: "${ data.status }", attempt: "${ data.attempt }"}
""",
            {"base": base},
        )

    assert execution.output == {"status": 404, "attempt": 1}


def test_a_host_that_is_not_there_is_a_failure_with_the_address(database_url: str) -> None:
    execution = run(database_url, 'steps: [{step: ask, http: {url: "http://127.0.0.1:9/"}}]')

    assert execution.error is not None
    assert execution.error["type"] == "HttpConnection"
    assert "GET http://127.0.0.1:9/" in execution.error["message"]


PROGRAM = """
steps:
  - step: count
    shell:
      command: [sh, -c, "printf '%s' \\"$WORDS\\" | wc -w; printf oops >&2; exit ${ input.code }"]
      env: {WORDS: "${ input.words }"}
    save: counted
"""


def test_a_program_gives_its_output(database_url: str) -> None:
    execution = run(database_url, PROGRAM, {"words": "three small words", "code": 0}, allow_shell=True)

    counted = execution.output["counted"]
    assert (counted["exit_code"], counted["stdout"].strip(), counted["stderr"]) == (0, "3", "oops")


def test_a_program_that_fails_tells_what_it_said(database_url: str) -> None:
    execution = run(database_url, PROGRAM, {"words": "", "code": 3}, allow_shell=True)

    assert execution.error is not None
    assert execution.error["type"] == "ShellFailed"
    assert execution.error["data"]["exit_code"] == 3
    assert execution.error["data"]["stderr"] == "oops"


def test_a_program_sees_nothing_of_the_workers_environment_but_the_harmless(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    execution = run(
        database_url,
        "steps: [{step: look, shell: {command: [env]}, save: seen}]",
        allow_shell=True,
    )

    assert "hunter2" not in execution.output["seen"]["stdout"]
    assert "PATH=" in execution.output["seen"]["stdout"]


def test_a_program_is_killed_with_all_it_started_when_its_time_is_over(database_url: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    execution = run(
        database_url,
        f"""
steps:
  - step: hang
    timeout: 500ms
    shell: {{command: [sh, -c, "sleep 600 & echo $! > {pid_file}; wait"]}}
""",
        allow_shell=True,
    )

    assert execution.error is not None
    assert execution.error["type"] == "Timeout"
    child = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    assert not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_no_program_runs_where_it_is_not_allowed(database_url: str, tmp_path: Path) -> None:
    execution = run(database_url, f"steps: [{{step: touch, shell: {{command: [touch, '{tmp_path}/made']}}}}]")

    assert execution.status == "waiting"
    assert not (tmp_path / "made").exists()


def test_an_installed_package_offers_actions(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chatter_for_tests.py").write_text("async def post(ctx, room):\n    return f'{room} {ctx.node}'\n")
    metadata = tmp_path / "chatter_for_tests-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: chatter-for-tests\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[durable.actions]\nchatter = chatter_for_tests\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    execution = run(database_url, "steps: [{step: say, use: chatter.post, with: {room: lobby}, save: said}]")

    assert execution.output == {"said": "lobby say"}


def test_an_execution_waits_for_a_worker_with_its_plug_in(database_url: str) -> None:
    execution = run(database_url, "steps: [{step: say, use: nobody.post, with: {}}]")

    assert execution.status == "waiting"
