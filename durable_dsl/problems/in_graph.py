"""Problems that show when a whole document is compiled: expressions, jumps, policies, and the graph they make."""

from __future__ import annotations

from durable_dsl.problems.page import Page

GRAPH_PAGES = (
    Page(
        "W103",
        "A jump to nowhere",
        "The target of a decision is the name of a node, or `end`. There is no node of this name.",
        "- decision: route\n  choose: [{when: true, goto: shipp}]\n- step: ship\n  log: shipped\n",
        "- decision: route\n  choose: [{when: true, goto: ship}]\n- step: ship\n  log: shipped\n",
    ),
    Page(
        "W104",
        "A jump backwards",
        "Jumps only go forward, which is why every list ends. What is to run again belongs into a `loop`.",
        "- step: ask\n  log: ready?\n- decision: again\n  choose: [{when: true, goto: ask}]\n",
        "- loop: asking\n  until: data.ready\n  steps:\n    - step: ask\n      call: shop.ask\n",
    ),
    Page(
        "W105",
        "A jump over a border",
        "A jump goes to a later node of its own list or of a list around it. It cannot enter another node's list, "
        "and cannot leave a branch of a parallel or an item of a foreach, which run at the same time as others.",
        "- decision: route\n  choose: [{when: true, goto: inner}]\n- group: outer\n"
        "  steps: [{step: inner, log: hello}]\n",
        "- decision: route\n  choose: [{when: true, goto: outer}]\n- group: outer\n"
        "  steps: [{step: inner, log: hello}]\n",
    ),
    Page(
        "W106",
        "A duration that leaves no time",
        "A timeout of zero would fail before anything ran.",
        "- step: charge\n  call: shop.charge\n  timeout: 0s\n",
        "- step: charge\n  call: shop.charge\n  timeout: 10s\n",
    ),
    Page(
        "W107",
        "An unknown retry policy",
        "A policy that is used by its name is defined under `retries`.",
        "retries: {api: {max_attempts: 5}}\nsteps:\n  - step: charge\n    call: shop.charge\n    retry: apo\n",
        "retries: {api: {max_attempts: 5}}\nsteps:\n  - step: charge\n    call: shop.charge\n    retry: api\n",
    ),
    Page(
        "W108",
        "An option without effect",
        "`set` and `log` are done by the engine itself and have no attempts, so `retry` and `timeout` have no "
        "effect on them. A decision has no result but where it goes, so `save` and `output` have none on it, "
        "nor has `timeout` on one that only tests conditions.",
        "- step: remember\n  set: {a: 1}\n  retry: 3\n",
        "- step: remember\n  set: {a: 1}\n",
    ),
    Page(
        "W109",
        "Not an expression",
        "The text between `${` and `}`, or of a condition, is not an expression of the language (CEL).",
        "- step: greet\n  log: hello\n  when: data.age >\n",
        "- step: greet\n  log: hello\n  when: data.age > 17\n",
    ),
    Page(
        "W110",
        "A name that does not exist here",
        "Expressions see `input`, `data`, `constants`, `execution` and `now`; inside a foreach its item and "
        "`index`, inside a loop `iteration`, in an `output` and in `compensate` the "
        "node's `result`, and in `catch`, `on_failure` and `retry.when` the `error`.",
        "- step: greet\n  log: hello\n  when: iteration > 1\n",
        "- step: greet\n  log: hello\n  when: data.visits > 1\n",
    ),
    Page(
        "W111",
        "A name for items that is taken",
        "`as` cannot hide a name that expressions count on, nor the item of a foreach around it.",
        "- foreach: lines\n  in: input.lines\n  as: data\n  steps: [{step: greet, log: hello}]\n",
        "- foreach: lines\n  in: input.lines\n  as: line\n  steps: [{step: greet, log: hello}]\n",
    ),
    Page(
        "W113",
        "An expression in a constant",
        "Constants and inputs of schedules are stored as they are written. What has to be computed is computed by a "
        "step.",
        'constants: {total: "${ input.a + input.b }"}\n',
        "constants: {total: 42}\n",
    ),
    Page(
        "W114",
        "Not an instant",
        "An instant is a date and a time with its offset from UTC, or an expression that gives one.",
        "- wait: new_year\n  at: 2031-01-01\n",
        "- wait: new_year\n  at: 2031-01-01T00:00:00Z\n",
    ),
    Page(
        "W115",
        "A retry policy that depends on data",
        "Durations of retry policies are fixed when the workflow is compiled. A function that knows better how "
        "long to wait raises `Retry(after=…)`.",
    ),
    Page(
        "W116",
        "A finish after the failure",
        "`on_failure` runs when an execution has failed, and then it ends as failed: a `finish` could not make it end "
        "well. To go on after an error, catch it where it happens.",
        "on_failure:\n  - finish: done\n",
        "on_failure:\n  - step: tell\n    call: shop.tell\n    with: {why: \"${ error.message }\"}\n",
    ),
    Page(
        "W117",
        "A secret that would be stored",
        "What expressions give is stored nearly everywhere: in the data, in the input of a child, in an event, in the "
        "log. A secret can be read only where a value is made for one attempt and then forgotten: in `with` of a call "
        "or of a plug-in's action, in `http`, and in `env` of a program.",
        "secrets: [API_KEY]\nsteps:\n  - step: remember\n    set: {key: \"${ secrets.API_KEY }\"}\n",
        "secrets: [API_KEY]\nsteps:\n  - step: charge\n    call: shop.charge\n"
        "    with: {key: \"${ secrets.API_KEY }\"}\n",
    ),
    Page(
        "W118",
        "A secret that is not declared",
        "The secrets that a workflow reads are listed at the top of its file, and each is read by its name, so that "
        "everyone can see what a worker has to know.",
        "secrets: [API_KEY]\nsteps:\n  - step: charge\n    call: shop.charge\n"
        "    with: {key: \"${ secrets.APIKEY }\"}\n",
        "secrets: [API_KEY]\nsteps:\n  - step: charge\n    call: shop.charge\n"
        "    with: {key: \"${ secrets.API_KEY }\"}\n",
    ),
    Page(
        "W119",
        "A cancellation that would be caught",
        "An execution that somebody cancels ends; no `catch` can keep it. When a child that is waited for was "
        "cancelled, its step fails with an error of the type `ChildCancelled`.",
        "- step: charge\n  call: shop.charge\n  catch:\n    - errors: [Cancelled]\n      steps: []\n",
        "- step: charge\n  call: shop.charge\n  catch:\n    - errors: [CardDeclined]\n      steps: []\n",
    ),
)  # fmt: skip
