"""The heartbeat: renews a worker's lease from a thread and a connection of its own.

Not from the event loop: a step that blocks the loop for a minute makes its worker slow, not dead. A worker whose
whole process stands still sends none, and is taken over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from durable_runtime.store.queries import DEFAULT_SCHEMA, load_queries

log = logging.getLogger("durable.heartbeat")

INTERVAL = timedelta(seconds=2)
LEASE = timedelta(seconds=10)


class Heartbeat(threading.Thread):
    """Beats until stopped.

    `heard` is called with the server's time at each beat, `lost` once when the worker was taken over.
    """

    def __init__(
        self,
        conninfo: str,
        worker_id: int,
        *,
        lost: Callable[[], None],
        heard: Callable[[datetime], None],
        loop_lag: Callable[[], float],
        schema: str = DEFAULT_SCHEMA,
        interval: timedelta = INTERVAL,
        lease: timedelta = LEASE,
    ) -> None:
        super().__init__(name="durable-heartbeat", daemon=True)
        self._conninfo = conninfo
        self._query = load_queries("worker", schema)["heartbeat"]
        self._worker_id = worker_id
        self._lost = lost
        self._heard = heard
        self._loop_lag = loop_lag
        self._interval = interval.total_seconds()
        self._lease = lease
        self._stopped = threading.Event()

    def run(self) -> None:
        connection: psycopg.Connection[tuple[datetime]] | None = None
        while not self._stopped.wait(self._interval):
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(
                        self._conninfo,
                        autocommit=True,
                        connect_timeout=5,
                        application_name="durable heartbeat",
                        # A peer that vanished without a word must not hold this thread until the lease is long gone.
                        keepalives=1,
                        keepalives_idle=5,
                        keepalives_interval=2,
                        keepalives_count=3,
                        tcp_user_timeout=5_000,
                    )
                row = connection.execute(
                    self._query,
                    {"worker_id": self._worker_id, "lease": self._lease, "loop_lag": self._loop_lag()},
                ).fetchone()
            except Exception as error:
                # Whatever it is: without this thread a worker that is well would be taken for dead.
                log.warning("heartbeat failed, trying again: %s", str(error).strip().partition("\n")[0])
                if connection is not None:
                    connection.close()
                continue
            if self._stopped.is_set():
                break
            if row is None:
                self._lost()
                break
            self._heard(row[0])
        if connection is not None:
            connection.close()

    def stop(self) -> None:
        """Ends the thread, and waits a moment for it: a beat under way may hang with its connection."""
        self._stopped.set()
        self.join(timeout=2)
