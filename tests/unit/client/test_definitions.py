"""What a workflow can be started from."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

from durable_dsl import DslError, compile, compile_text, step, workflow
from durable_runtime import InvalidOption, UnknownWorkflow
from durable_runtime.client.definitions import Definition, Definitions

TWO = """
workflow: first
steps: [{step: one, set: {n: 1}}]
---
workflow: second
steps: [{step: two, set: {n: 2}}]
"""


def found(definitions: Definitions, source: object, workflow: str | None = None) -> Definition:
    definition = definitions.find(source, workflow)  # type: ignore[arg-type]
    assert definition is not None
    return definition


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flows.yaml"
    path.write_text(TWO)
    return path


def test_a_file_gives_its_first_workflow(file: Path) -> None:
    assert found(Definitions(), file).graph.workflow == "first"
    assert found(Definitions(), str(file)).graph.workflow == "first"


def test_a_file_gives_the_workflow_that_is_asked_for(file: Path) -> None:
    assert found(Definitions(), file, "second").graph.workflow == "second"


def test_a_name_that_the_file_does_not_have_is_told_with_the_nearest_one(file: Path) -> None:
    with pytest.raises(UnknownWorkflow, match=r"there is no workflow 'secnd' in .*flows.yaml; did you mean 'second'\?"):
        Definitions().find(file, "secnd")


def test_a_file_is_read_once_as_long_as_it_stays_the_same(file: Path) -> None:
    definitions = Definitions()

    assert found(definitions, file) is found(definitions, str(file))


def test_a_file_that_changed_is_read_again(file: Path) -> None:
    definitions = Definitions()
    before = found(definitions, file)
    file.write_text(TWO.replace("n: 1", "n: 100"))

    assert found(definitions, file).version != before.version


def test_a_file_of_the_same_size_but_a_later_time_is_read_again(file: Path) -> None:
    definitions = Definitions()
    before = found(definitions, file)
    file.write_text(TWO.replace("n: 1", "n: 7"))
    os.utime(file, ns=(1, 1))

    assert found(definitions, file).version != before.version


def test_the_same_relative_path_in_another_folder_is_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = Definitions()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "flow.yaml").write_text(f"workflow: {name}\nsteps: [{{step: s, set: {{a: 1}}}}]\n")
        os.utime(tmp_path / name / "flow.yaml", ns=(1, 1))

    names = []
    for name in ("one", "two"):
        monkeypatch.chdir(tmp_path / name)
        names.append(found(definitions, "flow.yaml").graph.workflow)

    assert names == ["one", "two"]


def test_every_problem_of_a_file_comes_through(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("workflow: bad\nsteps:\n  - step: a\n    sett: {}\n  - step: b\n    call: x.y\n    retires: 3\n")

    with pytest.raises(DslError) as raised:
        Definitions().find(path)

    assert {problem.line for problem in raised.value.problems} >= {4, 7}


def test_a_file_that_is_not_there_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnknownWorkflow, match=r"there is no file .*none\.yaml"):
        Definitions().find(tmp_path / "none.yaml")
    with pytest.raises(UnknownWorkflow, match=r"there is no file orders\.yaml \(looked in /"):
        Definitions().find("orders.yaml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnknownWorkflow, match="cannot be read: Is a directory"):
        Definitions().find(tmp_path)


def test_a_python_file_is_to_be_imported_first() -> None:
    with pytest.raises(UnknownWorkflow, match=r"flows\.py is a Python file: import its module"):
        Definitions().find("flows.py")


def test_a_module_gives_its_first_workflow_or_the_one_asked_for() -> None:
    module = ModuleType("flows")
    module.ship = workflow("ship", step("a", set={"n": 1}))  # type: ignore[attr-defined]
    module.bill = workflow("bill", step("a", set={"n": 1}))  # type: ignore[attr-defined]

    assert found(Definitions(), module).graph.workflow == "ship"
    assert found(Definitions(), module, "bill").graph.workflow == "bill"


def test_a_module_without_a_workflow_says_what_to_do() -> None:
    with pytest.raises(UnknownWorkflow, match="the module empty has no workflow; assign one to a public name"):
        Definitions().find(ModuleType("empty"))


def test_a_workflow_is_compiled_once() -> None:
    definitions = Definitions()
    flow = workflow("ship", step("a", set={"n": 1}))

    assert found(definitions, flow) is found(definitions, flow)
    assert found(definitions, flow).graph == compile(flow)


def test_a_graph_is_taken_as_it_is() -> None:
    [graph] = compile_text("workflow: ship\nsteps: [{step: a, set: {n: 1}}]")

    assert found(Definitions(), graph).graph is graph


def test_another_name_than_a_workflows_own_is_refused() -> None:
    with pytest.raises(UnknownWorkflow, match="there is no workflow 'bill' in what was given; there is ship"):
        Definitions().find(workflow("ship", step("a", set={"n": 1})), "bill")


def test_a_name_without_a_file_is_a_stored_workflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert Definitions().find("process_order") is None


def test_a_file_without_a_suffix_goes_before_a_stored_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "process_order").write_text(TWO)

    assert found(Definitions(), "process_order").graph.workflow == "first"


def test_what_can_be_neither_a_file_nor_a_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UnknownWorkflow, match=r"'Process Order' is neither a file .* nor a name"):
        Definitions().find("Process Order")


def test_anything_else_is_refused_with_its_type() -> None:
    with pytest.raises(InvalidOption, match="not from a int"):
        Definitions().find(5)  # type: ignore[arg-type]
