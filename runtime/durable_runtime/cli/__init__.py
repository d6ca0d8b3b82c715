"""The command `durable`. What a command needs beyond click is imported when it runs, so that help is instant."""

from __future__ import annotations

from durable_runtime.cli.boundary import main

__all__ = ["main"]
