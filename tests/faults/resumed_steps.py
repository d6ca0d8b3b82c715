"""A step that gives values which careless storage bends, and one that tells what arrives."""

from __future__ import annotations

import json
from typing import Any


async def give() -> dict[str, Any]:
    return {
        "zebra": 1,
        "a": {"y": True, "b": None},
        "numbers": [1, 1.0, 1e16, 10**16, -0.0, 1e-7, 0.1 + 0.2, 2**63 - 1],
        "é\n": "漢\\u0000 😀",
    }


async def look(data: dict[str, Any]) -> str:
    return json.dumps({name: data[name] for name in ("given", "picked", "last")})
