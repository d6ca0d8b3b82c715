"""The functions that `count_words.yaml` calls. What they return is stored, so it has to be JSON."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
REPORT = "word-counts.txt"


def find_files(pattern: str) -> list[str]:
    """Gives the files of the project folder that match a pattern such as `*.md`."""
    return sorted(path.name for path in PROJECT.glob(pattern) if path.is_file() and path.name != REPORT)


def count(file: str) -> dict[str, str | int]:
    """Counts the words of one file."""
    text = (PROJECT / file).read_text(encoding="utf-8", errors="replace")
    return {"file": file, "words": len(text.split())}


def write_report(counts: list[dict[str, str | int]]) -> str:
    """Writes the report and gives its name. Killed within, it runs again and writes the same."""
    lines = [f"{each['words']:>8}  {each['file']}\n" for each in counts]
    (PROJECT / REPORT).write_text("".join(lines), encoding="utf-8")
    return REPORT
