"""What makes a workflow happen: it is started, executed, checkpointed and resumed on Postgres."""

from __future__ import annotations

__version__ = "0.1.0"
