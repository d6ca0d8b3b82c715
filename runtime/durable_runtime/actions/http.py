"""The action `http`: one request, its answer as a value, and which answers are worth another attempt."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from durable_runtime.actions.context import StepContext
from durable_runtime.actions.outcome import Fatal
from durable_runtime.core.checkpoints import Json
from durable_runtime.core.values import MAX_BYTES, decode, encode

if TYPE_CHECKING:
    import httpx

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that get an `Idempotency-Key`, the same for every attempt, unless the step sets one itself."""

RETRYABLE = frozenset({408, 425, 429})
"""Statuses below 500 that mean "later" and not "never" (RFC 9110, 8470, 6585)."""

CONNECT = 10.0
"""Seconds to reach a host."""

SILENCE = 60.0
"""Seconds a host may be silent; the step's own timeout bounds the whole request."""

REDIRECTED = frozenset({"GET", "HEAD"})
"""Methods that follow a redirect; repeating another elsewhere could do twice what was asked for once."""


class HttpError(Exception):
    """A request that did not come to a good end; worth another attempt unless it is `Fatal` too."""


class HttpConnection(HttpError):
    """No whole answer came: the host is unknown, refuses, breaks off, or is silent for too long."""


class HttpRequest(HttpError, Fatal):
    """The request cannot be made as it is written."""


class HttpStatus(HttpError):
    """The answer has a status that `expect` does not name. `data` is the answer, `after` what it asks to wait."""

    def __init__(self, message: str, answer: Json, after: timedelta | None) -> None:
        super().__init__(message)
        self.data = answer
        self.after = after


class HttpRefused(HttpStatus, Fatal):
    """The answer's status means "never", so there is no other attempt."""


class HttpClient:
    """One pool of connections for all requests of a worker, opened at the first."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def request(
        self,
        ctx: StepContext,
        *,
        method: str,
        url: str,
        headers: dict[str, str],
        query: dict[str, Json],
        json: Json,
        sends_json: bool,
        body: str | None,
        expect: list[int | str],
    ) -> Json:
        """Sends a request and gives {status, headers, body}.

        `body` is the value of a JSON answer, the text of one that is text, else base64. Raises an `HttpError` for
        everything but an expected status.
        """
        import httpx  # only workflows that speak HTTP pay for it

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=httpx.Timeout(SILENCE, connect=CONNECT), max_redirects=5)
        headers = dict(headers)
        if method in CHANGING and not any(name.lower() == "idempotency-key" for name in headers):
            headers["Idempotency-Key"] = ctx.idempotency_key
        content = None if body is None else str(body).encode()
        if sends_json:
            headers.setdefault("Content-Type", "application/json")
            content = encode(json)[0]
        try:
            request = self._client.build_request(method, url, headers=headers, params=query or None, content=content)
            answer = await self._client.send(request, stream=True, follow_redirects=method in REDIRECTED)
            try:
                received = await _read(answer)
            finally:
                await answer.aclose()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise HttpRequest(f"{method} {url}: {error}") from None
        except httpx.HTTPError as error:
            raise HttpConnection(f"{method} {url}: {str(error) or type(error).__name__}") from None
        if received is None:
            raise HttpRequest(f"{method} {url}: the answer is over {MAX_BYTES:,} bytes")
        return _checked(answer, received, expect)

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


async def _read(answer: httpx.Response) -> bytes | None:
    """Reads an answer, or gives None when it is larger than any result may be."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > MAX_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _checked(answer: httpx.Response, received: bytes, expect: list[int | str]) -> Json:
    value = {
        "status": answer.status_code,
        "headers": {name.lower(): text for name, text in answer.headers.items()},
        "body": _body(answer, received),
    }
    if is_expected(answer.status_code, expect):
        return value
    message = f"{answer.request.method} {answer.request.url} answered {answer.status_code} {answer.reason_phrase}"
    if answer.status_code in RETRYABLE or answer.status_code >= 500:
        raise HttpStatus(message, value, _retry_after(answer.headers))
    raise HttpRefused(message, value, None)


def is_expected(status: int, expect: Sequence[int | str]) -> bool:
    """Tells whether a status counts as success: it or its class (`2xx`) is named; with nothing named, any of 2xx."""
    return any(str(entry) in (str(status), f"{status // 100}xx") for entry in expect or ("2xx",))


def _body(answer: httpx.Response, content: bytes) -> Json:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return decode(content)
        except ValueError:
            pass  # it calls itself JSON and is not; as text people can see what it is
    try:
        return content.decode(answer.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return base64.b64encode(content).decode()


def _retry_after(headers: httpx.Headers) -> timedelta | None:
    """Reads `Retry-After`: seconds, or a date, which counts from the answer's own `Date` and not from our clock."""
    text = headers.get("retry-after", "")
    if text.isdigit():
        return timedelta(seconds=int(text))
    due_at, sent_at = _date(text), _date(headers.get("date", ""))
    return max(timedelta(0), due_at - sent_at) if due_at is not None and sent_at is not None else None


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
