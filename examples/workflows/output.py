"""Where the examples write, and how: a file is there whole or not at all, however the process ends."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def output_folder() -> Path:
    """Gives the folder of everything the examples write: $DURABLE_EXAMPLES_OUTPUT, or `output` beside them."""
    folder = Path(os.environ.get("DURABLE_EXAMPLES_OUTPUT") or HERE / "output")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(name: str, text: str) -> str:
    """Writes a file of the output folder and gives its name. Written twice, it holds the same and is there once."""
    target = output_folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise
    return name
