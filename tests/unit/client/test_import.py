"""What importing costs."""

from __future__ import annotations

import subprocess
import sys

import durable_runtime


def test_importing_the_package_loads_nothing_of_it() -> None:
    program = (
        "import sys, durable_runtime\n"
        "print(sorted(name for name in sys.modules if name.startswith(('durable_', 'psycopg', 'jsonschema', 'lark'))))"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout == "['durable_runtime']\n"


def test_every_public_name_can_be_had() -> None:
    for name in durable_runtime.__all__:
        assert getattr(durable_runtime, name).__name__ == name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    assert not hasattr(durable_runtime, "Durible")
