"""Writes the files that are made from the code: the schema for editors and the reference of problems."""

from __future__ import annotations

import json
from pathlib import Path

from durable_dsl.editor_schema import editor_schema
from durable_dsl.problems import reference

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    schema = json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n"
    (ROOT / "schemas" / "workflow.schema.json").write_text(schema, encoding="utf-8")
    (ROOT / "docs" / "reference" / "problems.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
