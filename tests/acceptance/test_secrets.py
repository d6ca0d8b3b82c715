"""Secrets on a real worker: they reach the outside world and are nowhere in the database.

Without the masks of an attempt's outcome seven of these tests fail, without those of derived texts two.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest

from durable_dsl import Graph, compile_text
from durable_runtime import AsyncDurable
from durable_runtime.client import Execution
from durable_runtime.testing import simulate
from tests.acceptance import secretive

KEY = "sk live/ü'7\\x+42"
"""Every way of writing it down writes it in another way."""

FORMS = (KEY, KEY[:8], "sk%20live", "sk+live", "c2sgbGl2ZS")

CALLS = "tests.acceptance.secretive"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    secretive.SEEN.clear()


def graph(steps: str, more: str = "") -> Graph:
    [compiled] = compile_text(f"workflow: w\nsecrets: [SHOP_KEY]\n{more}steps:\n{steps}")
    return compiled


def charging(function: str, *more: str, key: str = "secrets.SHOP_KEY") -> Graph:
    """A workflow of one step, `charge`, whose function is given the secret."""
    lines = [f"call: {CALLS}.{function}", f'with: {{key: "${{ {key} }}"}}', *more]
    return graph("  - step: charge\n" + "".join(f"    {line}\n" for line in lines))


def run(url: str, what: Graph, given: Any = None, **options: Any) -> Execution:
    async def scenario() -> Execution:
        async with AsyncDurable(url) as durable:
            id = await durable.start(what, given or {})
            await durable.worker(only=[id], **options).run(until_idle=True)
            return await durable.get_execution(id, include_steps=True)

    return asyncio.run(scenario())


def dump(url: str) -> str:
    """Gives everything that any table of the database holds, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select format('%I.%I', table_schema, table_name) from information_schema.tables"
            " where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'"
        ).fetchall()
        rows = [connection.execute(f"select t::text from {table} t").fetchall() for (table,) in tables]
    assert len(rows) > 5
    return "\n".join(text for found in rows for (text,) in found)


def assert_unseen(url: str) -> None:
    everything = dump(url)
    assert "***" in everything
    assert [form for form in FORMS if form in everything] == []


def test_what_a_function_gives_back_of_a_secret_is_masked(database_url: str) -> None:
    what = charging("charge", "save: charged")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert secretive.SEEN == [KEY]
    assert execution.output == {
        "charged": {
            "key": "***",
            "nested": [{"url": "https://example.org/?key=***"}],
            "***": 1,
            "length": len(KEY),
        }
    }
    assert_unseen(database_url)


def test_an_exception_that_quotes_a_secret_is_masked_with_its_data(database_url: str) -> None:
    what = charging("refuse", "retry: {max_attempts: 2, delay: 1ms}")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert secretive.SEEN == [KEY, KEY]
    assert execution.error is not None
    assert execution.error["message"] == "the key *** is refused"
    assert execution.error["data"] == {"tried": ["***"], "***": "as a key"}
    assert_unseen(database_url)


def test_a_retry_is_given_the_secret_again(database_url: str) -> None:
    what = charging("refuse_once", "retry: {max_attempts: 2, delay: 1ms}", "save: said")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert secretive.SEEN == [KEY, KEY]
    assert execution.output["said"].endswith("was taken")
    assert_unseen(database_url)


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; refuses what is not addressed to `/well`."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["content-length"])).decode()
        answer = json.dumps({"headers": dict(self.headers), "path": self.path, "sent": sent}).encode()
        self.send_response(200 if self.path.startswith("/well") else 422)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Echo", self.headers["X-Key"])
        self.end_headers()
        self.wfile.write(answer)
        self.server.seen.append((self.path, self.headers["Authorization"], sent))  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def echo() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.seen  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REQUEST = """
  - step: ask
    http:
      method: POST
      url: "${ input.base }"
      query: {key: "${ secrets.SHOP_KEY }"}
      headers:
        Authorization: "Basic ${ base64.encode(bytes('shop:' + secrets.SHOP_KEY)) }"
        X-Key: "${ base64.encode(bytes(secrets.SHOP_KEY)) }"
      json: {key: "${ secrets.SHOP_KEY }"}
    save: answer
"""


@pytest.mark.parametrize("path", ["/well", "/refused"])
def test_a_request_that_is_echoed_leaves_no_secret(database_url: str, path: str) -> None:
    with echo() as (base, seen):
        execution = run(database_url, graph(REQUEST), {"base": base + path}, secrets={"SHOP_KEY": KEY})

    [(asked, authorization, sent)] = seen
    assert unquote(asked.replace("+", " ")) == f"{path}?key={KEY}"
    assert authorization.startswith("Basic ")
    assert json.loads(sent) == {"key": KEY}
    assert execution.status == ("completed" if path == "/well" else "failed")
    assert_unseen(database_url)
    # What an expression made of the secret is a secret too.
    assert authorization not in dump(database_url)


def test_a_program_gets_a_secret_in_its_environment(database_url: str) -> None:
    what = graph("""
  - step: look
    shell: {command: [sh, -c, "printf '%s' \\"$KEY\\""], env: {KEY: "${ secrets.SHOP_KEY }"}}
    save: seen
""")

    execution = run(database_url, what, allow_shell=True, secrets={"SHOP_KEY": KEY})

    assert execution.output["seen"]["stdout"] == "***"
    assert_unseen(database_url)


def test_an_expression_that_fails_with_a_secret_says_so_without_it(database_url: str) -> None:
    what = charging("charge", "retry: 5", key="int(secrets.SHOP_KEY)")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert execution.error is not None
    assert (execution.error["type"], execution.error["attempt"]) == ("ExpressionError", 1)
    assert [form for form in FORMS if form in dump(database_url)] == []


def test_the_environment_is_where_a_worker_looks_first(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "from the environment")
    run(database_url, graph(f'  - {{step: a, call: {CALLS}.charge, with: {{key: "${{ secrets.SHOP_KEY }}"}}}}'))
    assert secretive.SEEN == ["from the environment"]


async def _ask_a_vault(name: str) -> str:
    await asyncio.sleep(0)
    return f"{name} from a vault"


def _ask_a_slow_vault(name: str) -> Awaitable[str]:
    return _ask_a_vault(name)


@pytest.mark.parametrize("source", [_ask_a_vault, _ask_a_slow_vault, lambda name: f"{name} from a vault"])
def test_a_function_may_know_secrets(database_url: str, source: Any) -> None:
    what = graph(f'  - {{step: a, call: {CALLS}.charge, with: {{key: "${{ secrets.SHOP_KEY }}"}}}}')
    run(database_url, what, secrets=source)
    assert secretive.SEEN == ["SHOP_KEY from a vault"]


def _broken(name: str) -> str:
    raise ConnectionError(f"the vault does not answer for {KEY}")


@pytest.mark.parametrize("source", [{}, {"SHOP_KEY": ""}, lambda name: None, _broken])
def test_an_execution_waits_for_a_worker_that_knows_its_secret(
    database_url: str, source: Mapping[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    what = charging("charge", 'output: "${ result.length }"', "save: length")

    async def scenario() -> tuple[str, Execution]:
        async with AsyncDurable(database_url) as durable:
            id = await durable.start(what, {})
            await durable.worker(only=[id], secrets=source).run(until_idle=True)
            before = (await durable.get_execution(id)).status
            with psycopg.connect(database_url) as connection:
                connection.execute("update durable.wait set due_at = now()")
            worker = durable.worker(only=[id], secrets={"SHOP_KEY": KEY})
            work = asyncio.ensure_future(worker.run())
            await durable.result(id, timeout=30)
            worker.stop()
            await work
            return before, await durable.get_execution(id, include_steps=True)

    before, after = asyncio.run(scenario())
    assert before == "waiting"
    assert "'SHOP_KEY'" in caplog.text
    assert KEY not in caplog.text
    assert (after.status, after.output) == ("completed", {"length": len(KEY)})
    assert secretive.SEEN == [KEY]


def test_a_simulation_makes_secrets_up_unless_they_are_given() -> None:
    what = graph(f"""
  - step: charge
    call: {CALLS}.charge
    with: {{key: "Bearer ${{ secrets.SHOP_KEY }}"}}
    save: charged
""")
    made_up = simulate(what, {}, {"charge": lambda key: {"used": key}})
    assert made_up.calls[0].arguments == {"key": "Bearer <SHOP_KEY>"}
    assert made_up.output == {"charged": {"used": "Bearer ***"}}
    given = simulate(what, {}, {"charge": lambda key: {"used": key}}, secrets={"SHOP_KEY": "abc"})
    assert given.calls[0].arguments == {"key": "Bearer abc"}


def test_what_undoes_a_step_is_given_its_secret(database_url: str) -> None:
    what = graph(f"""
  - step: charge
    call: {CALLS}.charge
    with: {{key: "${{ secrets.SHOP_KEY }}"}}
    compensate:
      call: {CALLS}.charge
      with: {{key: "${{ secrets.SHOP_KEY + result.key }}"}}
  - fail: stop
    message: no more
""")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert execution.status == "compensated"
    # What the step gave was masked before it was stored, so that is what undoes it sees of it.
    assert secretive.SEEN == [KEY, KEY + "***"]
    assert_unseen(database_url)


def test_a_function_that_makes_calls_of_its_own_stores_no_secret(database_url: str) -> None:
    what = charging("charge_in_parts", "save: charged")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert execution.status == "completed", execution.error
    assert secretive.SEEN == [KEY, KEY]
    assert_unseen(database_url)


def test_what_a_function_logs_tells_and_gives_back_in_its_calls_is_masked(database_url: str) -> None:
    what = charging("tell_everything", "save: told")

    execution = run(database_url, what, secrets={"SHOP_KEY": KEY})

    assert execution.output == {"told": "***"}
    assert [step.result for step in execution.steps or () if step.path == "charge/show"] == [{"key": "***"}]
    assert_unseen(database_url)
