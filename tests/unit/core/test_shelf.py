"""A mapping whose changed copies share what did not change."""

from __future__ import annotations

import pytest

from durable_runtime.core.shelf import Shelf


def test_a_changed_copy_differs_in_one_value_and_the_original_in_none() -> None:
    values = {f"b{number}": number for number in range(100)}
    shelf = Shelf(values)
    changed = shelf.with_value("b40", -1)

    assert (list(shelf.items()), len(shelf)) == (list(values.items()), 100)
    assert list(changed.pairs()) == list(changed.items())
    assert list(changed.items()) == list((values | {"b40": -1}).items())
    assert (changed == shelf, changed.with_value("b40", 40) == shelf) == (False, True)
    assert sum(changed[key] is not shelf[key] for key in shelf) == 1


def test_it_has_no_other_keys_than_those_it_was_made_with() -> None:
    shelf = Shelf({"a": 1})
    assert ("b" in shelf, shelf.find("b"), shelf.find("a")) == (False, None, 1)
    for ask in (lambda: shelf["b"], lambda: shelf.with_value("b", 2)):
        with pytest.raises(KeyError):
            ask()
    assert list(Shelf[int]({})) == []
