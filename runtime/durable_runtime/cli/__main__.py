"""Lets `python -m durable_runtime.cli` do what `durable` does."""

from __future__ import annotations

from durable_runtime.cli.boundary import main

if __name__ == "__main__":
    main()
