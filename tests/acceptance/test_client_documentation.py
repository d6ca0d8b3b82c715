"""The reference page of the Python API: its signatures are the real ones, its programs run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from durable_runtime import AsyncDurable, Durable

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python-api.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SIGNATURES = [
    (name, parameters)
    for block in BLOCKS
    for name, parameters in re.findall(r"^(\w+)\((.*)\) -> .*$", block, re.MULTILINE)
]
ORDERS = "workflow: process_order\ninput: {required: [order_id]}\nsteps: [{step: note, log: seen}]\n"


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES)
def test_a_method_has_the_parameters_that_the_page_gives_it(name: str, parameters: str) -> None:
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(getattr(Durable, name)).parameters.values()
    ]

    # Formatted without the blanks around "=" that only stand where there are annotations.
    assert str(inspect.Signature(plain)) == f"({parameters})".replace('"', "'")


def test_every_method_stands_on_the_page() -> None:
    documented = {name for name, _parameters in SIGNATURES}
    public = {name for name, _value in inspect.getmembers(AsyncDurable, inspect.isfunction) if name[0] != "_"}

    assert public - documented == {"close", "migrate"}
    assert "`close()`" in PAGE.read_text(encoding="utf-8")
    assert "`migrate()`" in PAGE.read_text(encoding="utf-8")


def test_the_programs_of_the_page_run(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURABLE_DATABASE_URL", database_url)
    (tmp_path / "orders.yaml").write_text(ORDERS)
    first, last = (block for block in BLOCKS if "orders.yaml" in block and "async with" not in block)

    try:
        exec(first, {})
        exec(last, {"Durable": Durable})
    finally:
        Durable.close()

    assert capsys.readouterr().out == "pending\n{'order_id': 'A1'}\n"
