"""A whole document to a graph."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from durable_dsl import document, graph
from durable_dsl.compiler.nodes import NodeCompiler
from durable_dsl.compiler.policies import has_expression, milliseconds, retry_policy, whole_policy
from durable_dsl.compiler.scope import ALWAYS, Scope
from durable_dsl.compiler.texts import check_expression, check_no_expressions, check_value
from durable_dsl.document import Workflow, locate_nodes
from durable_dsl.document.plain import plain_json
from durable_dsl.errors import Problem
from durable_dsl.findings import Findings


def compile_workflow(workflow: Workflow) -> tuple[graph.Graph | None, list[Problem]]:
    """Compiles a document to its graph, or gives every problem in the order of the text; never both.

    The same document always gives the same bytes of `to_json()`, so the same version. Where things stand in a file,
    durations written another way (`90s`, `1m30s`) and a policy by name or in place change nothing. Descriptions are
    drawn with the graph, so they are part of it: a new description is a new version.
    """
    findings = Findings(workflow)
    scope = Scope()
    retries = {}
    for name, policy in workflow.retries.items():
        retries[name] = whole_policy(policy, ("retries", name), workflow.at, findings)
        if policy.when is not None:
            check_expression(policy.when, ("retries", name, "when"), workflow.at, scope.with_error(), findings)
    default_retry = workflow.defaults.retry
    if isinstance(default_retry, document.Retry) and default_retry.when is not None:
        check_expression(default_retry.when, ("defaults", "retry", "when"), workflow.at, scope.with_error(), findings)
    located = list(locate_nodes(workflow))
    compiler = NodeCompiler(
        findings=findings,
        # Backwards, so that of two nodes with one name the first keeps it.
        ids={each.node.name: each.id for each in reversed(located)},
        paths={id(each.node): each.path for each in located},
        retries=retries,
        secrets=workflow.secrets,
        default_retry=retry_policy(default_retry, retries, ("defaults", "retry"), workflow.at, findings),
        default_timeout=_span(workflow.defaults.timeout, ("defaults", "timeout"), workflow, findings),
    )
    check_no_expressions(workflow.constants, ("constants",), workflow.at, findings)
    timeout = _span(workflow.timeout, ("timeout",), workflow, findings)
    reshapes = not isinstance(workflow.output, document.Unset)
    if reshapes:
        check_value(workflow.output, ("output",), workflow.at, scope, findings)
    steps = compiler.nodes(workflow.steps, scope)
    on_failure = compiler.nodes(workflow.on_failure, scope.with_error(), prefix="on_failure/")
    for each in located:
        if each.path[0] == "on_failure" and isinstance(each.node, document.Finish):
            message = f"'{each.node.name}' cannot end the execution well: it has failed before 'on_failure' runs"
            place = findings.place((*each.path, "finish"), each.node.at)
            findings.add("W116", message, place, hint="to go on after an error use 'catch'")
    settings = _settings(workflow, findings)
    if findings.problems:
        return None, sorted(findings.problems, key=lambda problem: (problem.line, problem.column))
    compiled = graph.Graph(
        workflow=workflow.name,
        steps=steps,
        description=workflow.description,
        label=workflow.version,
        timeout=timeout,
        queue=workflow.queue,
        priority=workflow.priority,
        input=workflow.input,
        output=workflow.output if reshapes else None,
        reshapes=reshapes,
        constants=dict(workflow.constants),
        secrets=workflow.secrets,
        on_failure=on_failure,
        **settings,
    )
    return compiled, []


def _settings(workflow: Workflow, findings: Findings) -> dict[str, Any]:
    """Compiles what is said about executions as a whole, whose keys see nothing that a step has done."""
    before = Scope(names=ALWAYS - {"data"})
    settings: dict[str, Any] = {}
    if workflow.concurrency is not None:
        check_value(workflow.concurrency.key, ("concurrency", "key"), workflow.at, before, findings)
        settings["concurrency"] = graph.Concurrency(**_fields(workflow.concurrency))
    for index, row in enumerate(workflow.cancel_on):
        check_value(row.key, ("cancel_on", index, "key"), workflow.at, before, findings)
    for index, schedule in enumerate(workflow.schedules):
        check_no_expressions(schedule.input, ("schedules", index, "input"), workflow.at, findings)
    settings["cancel_on"] = tuple(graph.CancelOn(**_fields(row)) for row in workflow.cancel_on)
    settings["schedules"] = tuple(graph.Schedule(**_fields(schedule)) for schedule in workflow.schedules)
    return settings


def _fields(value: document.Concurrency | document.CancelOn | document.Schedule) -> dict[str, Any]:
    return {field.name: plain_json(getattr(value, field.name)) for field in fields(value)}


def _span(text: str | None, path: tuple[str, ...], workflow: Workflow, findings: Findings) -> graph.Span | None:
    if text is None:
        return None
    if has_expression(text):
        check_value(text, path, workflow.at, Scope(), findings)
        return text
    return milliseconds(text, path, workflow.at, findings, positive=True)
