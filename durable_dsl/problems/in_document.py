"""Problems with what stands in a document: keys, values, nodes."""

from __future__ import annotations

from durable_dsl.problems.page import Page

_GREET = "- step: greet\n  log: hello\n"

DOCUMENT_PAGES = (
    Page(
        "W004",
        "An unknown key",
        "Nothing is dropped in silence, so a key that means nothing is a mistake, most often in its spelling.",
        "- step: charge\n  call: shop.charge\n  retires: 3\n",
        "- step: charge\n  call: shop.charge\n  retry: 3\n",
    ),
    Page(
        "W005",
        "A value of the wrong type",
        "The value is a text where a number belongs, a mapping where a list belongs, and so on. Only `true`, "
        "`false`, `null` and numbers as JSON writes them are anything else than text when they are not quoted.",
        "- foreach: lines\n  in: data.lines\n  concurrency: many\n  steps: [{step: greet, log: hello}]\n",
        "- foreach: lines\n  in: data.lines\n  concurrency: 4\n  steps: [{step: greet, log: hello}]\n",
    ),
    Page(
        "W006",
        "A key that has no effect here",
        "The key is part of the language, but of another kind of node, or of another form of this one.",
        "- step: remember\n  set: {a: 1}\n  with: {b: 2}\n",
        "- step: remember\n  set: {a: 1, b: 2}\n",
    ),
    Page(
        "W020",
        "Not a node",
        "A node is a mapping that begins with its kind, whose value is its name. What a step does is said by its "
        "action.",
        "- call: shop.charge\n",
        "- step: charge\n  call: shop.charge\n",
    ),
    Page(
        "W021",
        "A node of two kinds",
        "A node has one kind. Most often the `- ` of the second node is missing.",
        "- step: greet\n  log: hello\n  wait: a_while\n  for: 5m\n",
        "- step: greet\n  log: hello\n- wait: a_while\n  for: 5m\n",
    ),
    Page(
        "W022",
        "A name that cannot be one",
        "Names of workflows, nodes, branches and policies are lower case letters, digits and `_`, a letter first. "
        "Keys of the data are letters, digits and `_`, so that an expression can read them as `data.key`.",
        "- step: Charge-Card\n  call: shop.charge\n",
        "- step: charge_card\n  call: shop.charge\n",
    ),
    Page(
        "W023",
        "A name used twice",
        "Names are unique within a workflow, at whatever depth, so that a jump, an answer or a log line means one "
        "node.",
        _GREET + _GREET,
        _GREET + "- step: greet_again\n  log: hello\n",
    ),
    Page(
        "W024",
        "A reserved name",
        "`goto: end` ends the list a decision stands in, so no node can be called `end`.",
        "- step: end\n  log: bye\n",
        "- step: goodbye\n  log: bye\n",
    ),
    Page(
        "W025",
        "Something is missing",
        "A key that is needed here is not there, such as the action of a step or the list of a loop.",
        "- wait: a_while\n",
        "- wait: a_while\n  for: 5m\n",
    ),
    Page(
        "W027",
        "Keys that exclude each other",
        "Of these keys exactly one can be there, since each says something else about the same thing.",
        "- step: charge\n  call: shop.charge\n  set: {charged: true}\n",
        "- step: charge\n  call: shop.charge\n- step: remember\n  set: {charged: true}\n",
    ),
    Page(
        "W028",
        "Not one of the words allowed",
        "Only a few words can stand here.",
        "- parallel: both\n  on_error: stop\n  steps: [{step: greet, log: hello}]\n",
        "- parallel: both\n  on_error: fail_fast\n  steps: [{step: greet, log: hello}]\n",
    ),
    Page(
        "W029",
        "A number out of bounds",
        "The number is too small or too large for what it says.",
        "- step: charge\n  call: shop.charge\n  retry: 0\n",
        "- step: charge\n  call: shop.charge\n  retry: 1\n",
    ),
    Page(
        "W030",
        "Not a duration",
        "Durations are written `250ms`, `30s`, `5m`, `2h`, `1d`, `1w`, together as in `1h30m`, or as in ISO 8601 "
        "`PT1H30M`. A bare number has no unit. Years and months have no fixed length.",
        "- wait: a_while\n  for: 30\n",
        "- wait: a_while\n  for: 30s\n",
    ),
    Page(
        "W031",
        "`${ }` in a condition",
        "`when`, `while`, `until`, `match`, `where` and `in` always hold an expression, so they are written without "
        "`${ }`.",
        "- step: greet\n  log: hello\n  when: ${ data.awake }\n",
        "- step: greet\n  log: hello\n  when: data.awake\n",
    ),
    Page(
        "W032",
        "Not an importable function",
        "A function is named by the module it can be imported from, with a dot before each part.",
        "- step: charge\n  call: shop:charge\n",
        "- step: charge\n  call: shop.charge\n",
    ),
    Page(
        "W033",
        "Not a JSON Schema",
        "`input` is a JSON Schema of the draft 2020-12 for a mapping. Keywords it does not know would check "
        "nothing, so they are refused; notes of your own begin with `x-`. References stay inside the schema.",
        "input:\n  type: object\n  propertys: {name: {type: string}}\n",
        "input:\n  type: object\n  properties: {name: {type: string}}\n",
    ),
    Page(
        "W034",
        "Empty where something is needed",
        "A list of nodes holds at least one. Only a case and the default of a branch may be empty, which means "
        "that nothing is done then.",
        "- group: later\n  steps: []\n",
        "- group: later\n  steps: [{step: greet, log: hello}]\n",
    ),
    Page(
        "W035",
        "An unquoted version",
        "A version is a label, not a number: unquoted, `1.10` is the number 1.1.",
        "version: 1.10\n",
        'version: "1.10"\n',
    ),
    Page(
        "W036",
        "Not a workflow",
        "A document is a mapping that begins with `workflow` and its name, and has its nodes in the list under "
        "`steps`.",
        "step: greet\nlog: hello\n",
        "workflow: greeting\nsteps:\n  - step: greet\n    log: hello\n",
    ),
    Page(
        "W037",
        "Not a web address",
        "The `url` of a request begins with `http://` or `https://`, or with an expression that gives it.",
        "- step: ask\n  http: {url: example.org/orders}\n",
        "- step: ask\n  http: {url: 'https://example.org/orders'}\n",
    ),
    Page(
        "W038",
        "An expression in a query",
        "A value that is put into the text of an SQL statement could change what the statement does. Parameters "
        "reach the database beside the statement, as values.",
        "- step: find\n  sql:\n    query: select * from orders where id = ${ data.id }\n",
        "- step: find\n  sql:\n    query: select * from orders where id = %(id)s\n    params: {id: \"${ data.id }\"}\n",
    ),
    Page(
        "W039",
        "Not a cron expression",
        "A schedule says when by minute, hour, day of the month, month and weekday, with seconds first if there are "
        "six fields.",
        "schedules:\n  - {name: nightly, cron: at two}\n",
        "schedules:\n  - {name: nightly, cron: 0 2 * * 1-5}\n",
    ),
    Page(
        "W040",
        "Two workflows of one name",
        "The workflows of a file are told apart by their names.",
        "workflow: greeting\nsteps: [{step: greet, log: hello}]\n---\nworkflow: greeting\n"
        "steps: [{step: greet, log: bye}]\n",
        "workflow: greeting\nsteps: [{step: greet, log: hello}]\n---\nworkflow: farewell\n"
        "steps: [{step: greet, log: bye}]\n",
    ),
    Page(
        "W041",
        "No such workflow in the file",
        "A file may hold several workflows; the first is meant when none is named. This name is none of them.",
    ),
)  # fmt: skip
