"""What a user gets from the wheel; the checkout itself cannot show what the wheel forgot."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import durable_dsl

METADATA = f"durable_dsl-{durable_dsl.__version__}.dist-info"


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    builder = WheelBuilder(str(root))
    (built,) = builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return zipfile.Path(built)


def list_files(wheel: zipfile.Path) -> set[str]:
    return {name for name in wheel.root.namelist() if not name.endswith("/")}


def test_the_wheel_installs_the_two_packages_and_nothing_else(wheel: zipfile.Path) -> None:
    tops = {entry.name for entry in wheel.iterdir()}
    assert tops == {"durable_dsl", "durable_runtime", METADATA}


@pytest.mark.parametrize(
    "needed",
    [
        "durable_dsl/py.typed",
        "durable_runtime/py.typed",
        "durable_dsl/expressions/grammar.lark",
        "durable_dsl/schemas/workflow.schema.json",
    ],
)
def test_the_wheel_holds_the_files_that_are_read_at_run_time(wheel: zipfile.Path, needed: str) -> None:
    assert (wheel / needed).is_file()


def test_the_wheel_holds_the_sql_of_the_store(wheel: zipfile.Path) -> None:
    folders = {name.rsplit("/", 1)[0] for name in list_files(wheel) if name.endswith(".sql")}
    assert {"durable_runtime/store/sql", "durable_runtime/store/migrations"} <= folders


def test_every_tracked_file_of_the_packages_and_schemas_is_in_the_wheel(
    wheel: zipfile.Path, tracked: list[Path]
) -> None:
    homes = {"durable_dsl/": "durable_dsl/", "runtime/durable_runtime/": "durable_runtime/"}
    homes["schemas/"] = "durable_dsl/schemas/"
    expected = {
        name.replace(source, target, 1)
        for name in map(Path.as_posix, tracked)
        for source, target in homes.items()
        if name.startswith(source)
    }
    assert expected - list_files(wheel) == set()


def test_the_wheel_offers_the_command_durable(wheel: zipfile.Path) -> None:
    entry_points = wheel / METADATA / "entry_points.txt"
    assert "durable = durable_runtime.cli:main" in entry_points.read_text().splitlines()
