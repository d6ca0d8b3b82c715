"""Values as they are stored."""

from __future__ import annotations

import json
from typing import Any

from tests.model.outcome import ANY


def with_more(data: Any, more: dict[str, Any]) -> Any:
    """Gives the data of an error with something beside what else they hold."""
    if data == ANY:
        return ANY
    return {**(data if isinstance(data, dict) else {} if data is None else {"data": data}), **more}


def is_json(value: Any) -> bool:
    """Whether a value can be stored."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def as_stored(value: Any) -> Any:
    """Gives a value as it is after a round trip through the store."""
    return json.loads(json.dumps(value))
