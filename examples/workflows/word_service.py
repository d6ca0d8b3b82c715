"""A small HTTP service for `polling.yaml`, on this machine only: `python -m examples.workflows.word_service`.

It counts the words of a text, slowly: each request about a job lets it count one more line. `POST /jobs` takes a text,
once for each Idempotency-Key. `GET /jobs/ID` says `running`, `done`, or `failed` and why; the second look finds the
service busy. `GET /jobs/ID/words` is the result, and `DELETE /jobs/ID` stops a job that has not ended.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from typing import Any

from examples.workflows.loopback import LoopbackService, serve

PORT = 8472


class WordService(LoopbackService):
    """Counts words."""

    def __init__(self, port: int = PORT) -> None:
        super().__init__(port)
        self.jobs: dict[str, Job] = {}

    def respond(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
        match method, path.strip("/").split("/"):
            case "POST", ["jobs"] if key is not None:
                id = uuid.uuid5(uuid.NAMESPACE_OID, key).hex
                return 202, self.jobs.setdefault(id, Job(id, body["text"])).tell()
            case "GET", ["jobs", id] if id in self.jobs:
                if self.requests[f"GET {path}"] == 2:
                    return 503, {"error": "busy, try again"}
                return 200, self.jobs[id].go_on().tell()
            case "GET", ["jobs", id, "words"] if id in self.jobs:
                return 200, self.jobs[id].words
            case "DELETE", ["jobs", id] if id in self.jobs:
                was_stopped = self.jobs[id].go_on().stop()
                return 200 if was_stopped else 409, self.jobs[id].tell()
        return 404, {"error": f"there is nothing at {path}"}


class Job:
    """A text whose words are counted line by line."""

    def __init__(self, id: str, text: str) -> None:
        self.id = id
        self.words: Counter[str] = Counter()
        self._lines = text.splitlines()
        self._counted = 0
        self._status = "running"
        self._why: str | None = None

    def tell(self) -> dict[str, Any]:
        """Gives how far it is."""
        return {"id": self.id, "status": self._status, "why": self._why}

    def go_on(self) -> Job:
        """Counts one more line; one without words cannot be counted."""
        if self._status == "running":
            words = re.findall(r"\w+", self._lines[self._counted].lower()) if self._lines else []
            self._counted += 1
            if not words:
                self._status, self._why = "failed", f"line {self._counted} has no words"
            elif self._counted == len(self._lines):
                self._status = "done"
            self.words.update(words)
        return self

    def stop(self) -> bool:
        """Stops it, and gives whether that was possible."""
        if self._status != "running":
            return False
        self._status = "stopped"
        return True


if __name__ == "__main__":
    serve(WordService, PORT, "word service")
