from __future__ import annotations

import subprocess
import sys

import durable_dsl

HEAVY = ("jsonschema", "lark", "networkx", "yaml", "msgspec")


def loaded_after(statement: str) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after a statement."""
    program = f"import sys\n{statement}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_library() -> None:
    assert loaded_after("import durable_dsl") == set()


def test_reading_a_workflow_without_a_schema_loads_no_more_than_yaml() -> None:
    text = "workflow: w\\nsteps: [{step: a, log: hi}]"
    assert loaded_after(f"import durable_dsl\ndurable_dsl.load_document('{text}')") <= {"yaml", "msgspec"}


def test_everything_that_the_package_exports_is_there() -> None:
    missing = [name for name in durable_dsl.__all__ if getattr(durable_dsl, name, None) is None]
    assert missing == []
    assert set(durable_dsl.__all__) <= set(dir(durable_dsl))
