"""Actions of a document in the graph's terms."""

from __future__ import annotations

from typing import assert_never

from durable_dsl import document, graph
from durable_dsl.document.plain import plain_json


def compile_action(action: document.Action) -> graph.Action:
    """Gives the graph's action; its expressions are checked by whoever knows what they see."""
    match action:
        case document.Call(function=function, with_=with_):
            return graph.Call(function=function, with_=None if with_ is None else plain_json(with_))
        case document.Set(values=values):
            return graph.Set(values=plain_json(values))
        case document.Publish(values=values):
            return graph.Publish(values=plain_json(values))
        case document.Log(message=message):
            return graph.Log(message=message)
        case document.Http():
            sends_json = not isinstance(action.json, document.Unset)
            return graph.Http(
                method=action.method,
                url=action.url.strip(),
                headers=dict(action.headers),
                query=plain_json(action.query),
                json=plain_json(action.json) if sends_json else None,
                sends_json=sends_json,
                body=action.body,
                expect=action.expect,
            )
        case document.Shell():
            return graph.Shell(command=list(action.command), env=dict(action.env), cwd=action.cwd)
        case document.Sql():
            return graph.Sql(query=action.query, params=plain_json(action.params), database=action.database)
        case document.Use(plugin=plugin, with_=with_):
            return graph.Use(plugin=plugin, with_={} if with_ is None else plain_json(with_))
        case document.Child():
            with_ = plain_json(action.with_ or {})
            return graph.Child(workflow=action.workflow, with_=with_, key=action.key, queue=action.queue)
        case document.Start():
            return graph.Start(
                workflow=action.workflow,
                with_=plain_json(action.with_ or {}),
                key=action.key,
                queue=action.queue,
                attached=action.attached,
            )
        case document.Emit():
            return graph.Emit(event=action.event, to=action.to, key=action.key, with_=plain_json(action.with_ or {}))
        case _:
            assert_never(action)
