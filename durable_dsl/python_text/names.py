"""The names of a module: what it imports and how it calls its workflows, none of them twice."""

from __future__ import annotations

import builtins
import keyword

from durable_dsl.python_text.layout import LINE, Bracket, Part, lines_of

_TAKEN = frozenset({*keyword.kwlist, "annotations"})


class Names:
    """Collects what a module needs, and gives everything the name under which it stands there."""

    def __init__(self, builder: frozenset[str]) -> None:
        # No function of a user may hide one of the builder, whether this module needs it or not.
        self._builder = builder
        self._imported: dict[str, dict[str, str]] = {}
        self._given: dict[str, str] = {}

    def of_builder(self, name: str) -> str:
        """Gives a function of the builder, imported."""
        self._imported.setdefault("durable_dsl", {})[name] = name
        return name

    def of_function(self, path: str) -> str:
        """Gives the function at an import path, imported under its own name or one that says where it is from."""
        module, _, name = path.rpartition(".")
        known = self._imported.setdefault(module, {})
        if name not in known:
            known[name] = self._free(name, f"{module.rpartition('.')[2]}_{name}", path)
        return known[name]

    def of_workflow(self, name: str) -> str:
        """Gives the variable of a workflow."""
        return self._free(name, f"{name}_workflow", f"workflow {name}")

    def _free(self, *wanted: str) -> str:
        *names, what = wanted
        candidates = [*names, *(f"{names[-1]}_{number}" for number in range(2, 1000))]
        for name in candidates:
            if (
                name not in _TAKEN
                and name not in self._builder
                and not hasattr(builtins, name)
                and name not in self._given
            ):
                self._given[name] = what
                return name
        raise AssertionError("a thousand things of one name")

    def lines(self) -> list[str]:
        """Gives the import statements."""
        lines: list[str] = []
        for module in sorted(self._imported):
            names = sorted(self._imported[module].items(), key=lambda pair: _in_imports(pair[0]))
            own = [name for name, given in names if name == given]
            flat = f"from {module} import {', '.join(own)}"
            if own and len(flat) <= LINE:
                lines.append(flat)
            elif own:
                bracket = Bracket(f"from {module} import (", tuple(Part("", name) for name in own), ")", tall=True)
                lines += lines_of(bracket, "", 0, "")
            lines += [f"from {module} import {name} as {given}" for name, given in names if name != given]
        return lines


def _in_imports(name: str) -> tuple[int, str]:
    """Sorts as tools for imports do: constants, then classes, then everything else."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name
