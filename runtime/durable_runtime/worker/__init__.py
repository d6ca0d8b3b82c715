"""The worker: claims executions, runs them, commits what happened, and looks after what other workers left."""

from __future__ import annotations

from durable_runtime.worker.worker import DEFAULT_CONCURRENCY, Worker, WorkerReport

__all__ = ["DEFAULT_CONCURRENCY", "Worker", "WorkerReport"]
