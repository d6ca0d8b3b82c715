"""A graph made ready to run."""

from __future__ import annotations

from durable_dsl.compiler import compile_workflow
from durable_dsl.graph import Foreach
from durable_dsl.loader import load_document
from durable_runtime.core.program import Program


def compiled(text: str) -> Program:
    graph, problems = compile_workflow(load_document(text)[0])
    assert problems == []
    assert graph is not None
    return Program(graph)


def test_results_are_kept_only_where_someone_can_read_them() -> None:
    program = compiled(
        """
        workflow: w
        steps:
          - foreach: for_nobody
            in: data.a
            steps: [{step: s1, call: shop.a}]
          - foreach: saved
            in: data.a
            save: results
            steps: [{step: s2, call: shop.a}]
          - foreach: reshaped
            in: data.a
            output: "${ result.size() }"
            steps: [{step: s3, call: shop.a}]
          - group: kept
            save: kept
            steps:
              - foreach: not_last
                in: data.a
                steps: [{step: s4, call: shop.a}]
              - foreach: last
                in: data.a
                steps:
                  - foreach: innermost
                    in: item
                    as: part
                    steps: [{step: s5, call: shop.a}]
          - foreach: last_of_all
            in: data.a
            steps: [{step: s6, call: shop.a}]
        """
    )
    assert {node.name: node.result_used for node in program.nodes.values() if isinstance(node.graph, Foreach)} == {
        "for_nobody": False,
        "saved": True,
        "reshaped": True,
        "not_last": False,
        "last": True,
        "innermost": True,
        # Without `output` an execution gives its data, not its last result.
        "last_of_all": False,
    }
