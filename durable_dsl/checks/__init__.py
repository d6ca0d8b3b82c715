"""What only a whole graph can tell: nodes that cannot run, values that cannot be there, branches that clash.

Nearly all are mistakes. What runs and is probably not meant has a code from W301 on and is a warning.
"""

from __future__ import annotations

from durable_dsl.checks.clashes import check_clashes
from durable_dsl.checks.imports import check_imports
from durable_dsl.checks.networks import Flow, to_networkx
from durable_dsl.checks.reachability import check_choices, check_loops, check_reachability
from durable_dsl.checks.reads import check_reads
from durable_dsl.checks.sources import Sources
from durable_dsl.checks.types import check_types
from durable_dsl.checks.warnings import check_keys, check_names
from durable_dsl.document import Workflow
from durable_dsl.errors import Problem
from durable_dsl.graph import Graph

__all__ = ["check", "check_imports", "check_names", "to_networkx"]

_CHECKS = (check_reachability, check_choices, check_loops, check_clashes, check_types, check_reads, check_keys)


def check(graph: Graph, workflow: Workflow) -> list[Problem]:
    """Gives every problem of a graph, in the order of the text of the workflow that it was compiled from."""
    flow, sources = Flow(), Sources(workflow)
    for each in _CHECKS:
        each(graph, flow, sources)
    return sources.problems
