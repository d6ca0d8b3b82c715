"""A document as Python: what is written builds the same document and reads as if a person had written it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings

from durable_dsl.builder import workflows_of
from durable_dsl.compiler import compile_workflow
from durable_dsl.document import Workflow
from durable_dsl.loader import load_document
from durable_dsl.python_text import write_python
from tests.unit.language.drawn import workflows
from tests.unit.language.samples import SAMPLES


def run(text: str) -> list[Workflow]:
    """Give the workflows of a module's text."""
    module = ModuleType("written")
    exec(text, module.__dict__)
    return workflows_of(module)


@pytest.fixture(scope="module")
def functions() -> Iterator[None]:
    """Modules with the functions that random documents call."""
    made = {"shop": "charge", "a": "", "a.b": "c"}
    for name, function in made.items():
        module = sys.modules[name] = ModuleType(name)
        if function:
            exec(f"def {function}(data): ...", module.__dict__)
    yield
    for name in made:
        del sys.modules[name]


@settings(max_examples=30, deadline=None)
@given(workflows())
def test_the_module_builds_the_same_document(functions: None, workflow: Workflow) -> None:
    text = write_python([workflow])
    (built,) = run(text)
    assert built.to_plain() == workflow.to_plain()
    assert compile_workflow(built)[0] == compile_workflow(workflow)[0]
    assert write_python([built]) == text


@pytest.mark.parametrize("text", SAMPLES)
def test_the_samples_come_back_with_their_functions_as_texts(text: str) -> None:
    loaded = load_document(text)
    assert [built.to_plain() for built in run(write_python(loaded, lambda path: False))] == [
        workflow.to_plain() for workflow in loaded
    ]


def test_the_text_is_what_a_person_would_write() -> None:
    loaded = load_document(
        "workflow: order\n"
        "timeout: 2h\n"
        "retries: {api: {max_attempts: 3, delay: 2s}}\n"
        "steps:\n"
        "  - step: charge\n"
        "    call: shop.payments.charge\n"
        '    with: {amount: "${ data.total }", note: \'say "hi"\'}\n'
        "    retry: {max_attempts: 5, except: [CardDeclined]}\n"
        "    timeout: 1m30s\n"
        "  - decision: big\n"
        "    choose: [{when: data.total > 1000, goto: end}, {when: data.total > 1000, goto: end}]\n"
        "  - branch: route\n"
        "    cases:\n"
        "      - when: data.total > 10\n"
        "        steps: [{wait: pause, for: 5m}]\n"
        "    default: []\n"
        "  - foreach: lines\n"
        "    in: input.lines\n"
        "    as: line\n"
        "    catch: [{errors: [Busy], steps: [{step: again, call: shop.stock.charge}]}]\n"
        "    steps: [{step: route_line, call: shop.stock.step}]\n"
    )
    assert write_python(loaded) == (
        "from __future__ import annotations\n"
        "\n"
        "from durable_dsl import (\n"
        "    Retry,\n"
        "    branch,\n"
        "    case,\n"
        "    catch,\n"
        "    decision,\n"
        "    foreach,\n"
        "    hours,\n"
        "    minutes,\n"
        "    step,\n"
        "    wait,\n"
        "    workflow,\n"
        ")\n"
        "from shop.payments import charge\n"
        "from shop.stock import charge as stock_charge\n"
        "from shop.stock import step as stock_step\n"
        "\n"
        "order = workflow(\n"
        '    "order",\n'
        "    step(\n"
        '        "charge",\n'
        "        charge,\n"
        '        with_={"amount": "${ data.total }", "note": \'say "hi"\'},\n'
        '        retry=Retry(max_attempts=5, except_=["CardDeclined"]),\n'
        '        timeout="1m30s",\n'
        "    ),\n"
        '    decision("big", choose={"data.total > 1000": "end", "data.total > 1000 ": "end"}),\n'
        "    branch(\n"
        '        "route",\n'
        '        cases=[case("data.total > 10", wait("pause", for_=minutes(5)))],\n'
        "        default=[],\n"
        "    ),\n"
        "    foreach(\n"
        '        "lines",\n'
        '        step("route_line", stock_step),\n'
        '        in_="input.lines",\n'
        '        as_="line",\n'
        '        catch=[catch(step("again", stock_charge), errors=["Busy"])],\n'
        "    ),\n"
        "    timeout=hours(2),\n"
        '    retries={"api": Retry(delay="2s")},\n'
        ")\n"
    )


@pytest.mark.parametrize("name", ["shop", "import", "step", "list", "charge"])
def test_a_name_that_is_taken_gets_an_addition(name: str) -> None:
    text = write_python(load_document(f"workflow: {name}\nsteps: [{{step: a, call: shop.charge}}]\n"))
    variable = text.split(" = workflow")[0].splitlines()[-1]
    assert variable == (name if name == "shop" else f"{name}_workflow")


def test_a_formatter_of_python_finds_nothing_to_do(tmp_path: Path) -> None:
    text = "\n".join(write_python(load_document(sample)) for sample in SAMPLES[:1])
    file = tmp_path / "written.py"
    file.write_text(text, encoding="utf-8")
    for arguments in (["format", "--isolated", "--diff"], ["check", "--isolated", "--no-cache", "--select", "I,F"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "written.py"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
