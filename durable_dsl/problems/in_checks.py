"""Problems that only a whole graph shows: what can never run, what is read before it is there, what clashes."""

from __future__ import annotations

from durable_dsl.problems.page import Page

CHECK_PAGES = (
    Page(
        "W201",
        "A node that can never run",
        "Every way through the list ends before this node or jumps over it.",
        "- finish: done\n- step: greet\n  log: hello\n",
        "- step: greet\n  log: hello\n- finish: done\n",
    ),
    Page(
        "W202",
        "A row that is never reached",
        "The rows of a decision, the cases of a branch and the rows of a `catch` are tried in order, so nothing stands "
        "behind one that always holds.",
        "- decision: route\n  choose:\n    - {when: true, goto: end}\n    - {when: data.a, goto: greet}\n"
        "- step: greet\n  log: hello\n",
        "- decision: route\n  choose:\n    - {when: input.a, goto: greet}\n    - {when: true, goto: end}\n"
        "- step: greet\n  log: hello\n",
    ),
    Page(
        "W203",
        "A loop that never ends",
        "The condition of the loop is a constant, and nothing inside ends it either, so it would always end in "
        "failure at its limit of turns.",
        "- loop: poll\n  while: true\n  steps: [{step: greet, log: hello}]\n",
        "- loop: poll\n  while: iteration < 4\n  steps: [{step: greet, log: hello}]\n",
    ),
    Page(
        "W204",
        "Two branches that change the same key",
        "The branches of a parallel run on copies of the data, which are merged key by key afterwards. Which of "
        "two values should win cannot be told.",
        "- parallel: both\n  branches:\n    left: [{step: a, set: {total: 1}}]\n"
        "    right: [{step: b, set: {total: 2}}]\n",
        "- parallel: both\n  branches:\n    left: [{step: a, set: {one: 1}}]\n    right: [{step: b, set: {two: 2}}]\n",
    ),
    Page(
        "W205",
        "A constant of the wrong type",
        "A condition gives true or false, and `in` a list. This expression always gives something else.",
        "- step: greet\n  log: hello\n  when: 1 + 1\n",
        "- step: greet\n  log: hello\n  when: 1 + 1 == 2\n",
    ),
    Page(
        "W206",
        "A value that cannot be there yet",
        "No node before this one can have put the key into the data, and the input has no such property.",
        "input: {type: object, properties: {}, additionalProperties: false}\n"
        "steps:\n  - step: greet\n    log: ${ data.name }\n",
        "input: {type: object, properties: {name: {type: string}}, additionalProperties: false}\n"
        "steps:\n  - step: greet\n    log: ${ data.name }\n",
    ),
    Page(
        "W207",
        "A property that the input has not",
        "The schema under `input` names all properties, and this is none of them.",
        "input: {type: object, properties: {name: {type: string}}, additionalProperties: false}\n"
        "steps:\n  - step: greet\n    log: ${ input.nam }\n",
        "input: {type: object, properties: {name: {type: string}}, additionalProperties: false}\n"
        "steps:\n  - step: greet\n    log: ${ input.name }\n",
    ),
    Page(
        "W208",
        "An unknown constant",
        "`constants` holds what is written there, `execution` and `error` what the engine gives; this is none of them.",
        "constants: {vat: 0.19}\nsteps:\n  - step: greet\n    log: ${ constants.vta }\n",
        "constants: {vat: 0.19}\nsteps:\n  - step: greet\n    log: ${ constants.vat }\n",
    ),
    Page(
        "W210",
        "A function that cannot be imported",
        "Found when imports are checked too: there is no such module, it fails when it is imported, or there is "
        "no such function in it.",
        "- step: charge\n  call: no_such_module.charge\n",
        "- step: charge\n  call: math.fsum\n",
    ),
    Page(
        "W211",
        "Arguments that a function does not take",
        "Found when imports are checked too: `with` names an argument the function has not, or leaves out one it "
        "needs. Without `with` it gets the whole data as its only argument.",
        "- step: charge\n  call: json.loads\n  with: {text: '1'}\n",
        "- step: charge\n  call: json.loads\n  with: {s: '1'}\n",
    ),
    Page(
        "W212",
        "A function that decides for something else",
        "Found when imports are checked too: by its annotation the function may return a name that is not in `goto`.",
    ),
    Page(
        "W301",
        "One key for many children (warning)",
        "A key stands for one execution: whoever starts a workflow with a key that is taken attaches to the execution "
        "that has it. A constant key in a loop or a foreach starts one child, however many turns or items there are.",
        "- foreach: lines\n  in: input.lines\n  steps:\n    - step: ship\n      workflow: ship_line\n      key: ship\n",
        "- foreach: lines\n  in: input.lines\n  steps:\n    - step: ship\n      workflow: ship_line\n"
        '      key: "ship-${ item.id }"\n',
    ),
    Page(
        "W302",
        "Nearly the name of an event (warning)",
        "Nothing in this file emits the event that is waited for, but it emits one of nearly the same name that "
        "nothing waits for. Events may come from elsewhere, so this is only a guess.",
        "- step: tell\n  emit: order.payed\n  key: a\n- wait: payment\n  event: order.paid\n",
        "- step: tell\n  emit: order.paid\n  key: a\n- wait: payment\n  event: order.paid\n",
    ),
    Page(
        "W303",
        "Nearly the name of a workflow (warning)",
        "The workflow that is started is not in this file, but one of nearly the same name is. It may be stored "
        "already from elsewhere, so this is only a guess.",
        "workflow: shop\nsteps: [{step: ship, workflow: ship_ordr}]\n---\nworkflow: ship_order\n"
        "steps: [{step: go, log: go}]\n",
        "workflow: shop\nsteps: [{step: ship, workflow: ship_order}]\n---\nworkflow: ship_order\n"
        "steps: [{step: go, log: go}]\n",
    ),
)  # fmt: skip
