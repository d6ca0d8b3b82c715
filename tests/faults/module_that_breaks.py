"""A module of a user that cannot be imported: a setting is missing."""

from __future__ import annotations

raise RuntimeError("the variable SHOP_URL is not set")
