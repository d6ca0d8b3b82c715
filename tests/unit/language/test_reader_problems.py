from __future__ import annotations

from textwrap import indent

import pytest

from durable_dsl.loader import read_documents


def problems_of(text: str) -> list[str]:
    """Reads a text in which only the given lines are wrong; places count from its first line."""
    return [
        f"{problem.line}:{problem.column} {problem.code} {problem.message}"
        + (f"; {problem.hint}" if problem.hint else "")
        for problem in read_documents(text)[1]
    ]


def in_step(lines: str) -> list[str]:
    """The same of lines of a step `a`; they begin in line 3, column 5."""
    return problems_of(f"workflow: w\nsteps: [{{step: z, log: hi}},\n  {{step: a, {lines}}}]")


def in_nodes(lines: str) -> list[str]:
    return problems_of("workflow: w\nsteps:\n" + indent(lines, "  ") + "\n")


def in_workflow(lines: str) -> list[str]:
    return problems_of(f"{lines}\nworkflow: w\nsteps: [{{step: a, log: hi}}]\n")


BODY = "steps: [{step: b, log: hi}]"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("name: x", "1:1 W004 unknown key 'name' in the document"),
        ("versoin: x", "1:1 W004 unknown key 'versoin' in the document; did you mean 'version'?"),
        ("inputs: {}", "1:1 W004 unknown key 'inputs' in the document; did you mean 'input'?"),
        ("timeout: 30", "1:10 W030 'timeout': 30 what? write 30s for seconds, 30m for minutes"),
        ("timeout: [1]", "1:10 W005 'timeout' must be a duration such as 30s or 1h30m, not a list"),
        ("timeout: null", "1:10 W005 'timeout' must be a duration such as 30s or 1h30m, not null; leave the key out if "
         "nothing is meant"),
        ("queue: my queue", "1:8 W022 'my queue' cannot be a queue: letters, digits, '_', '-' and '.' only"),
        ("priority: high", "1:11 W005 'priority' must be a whole number, not the text 'high'"),
        ("priority: '5'",
         "1:11 W005 'priority' must be a whole number, not the text '5'; write 5 without quotes, sign or "
         "leading zeros"),
        ("priority: 1.5", "1:11 W005 'priority' must be a whole number, not the number 1.5"),
        ("priority: true", "1:11 W005 'priority' must be a whole number, not true"),
        ("priority: 40000", "1:11 W029 'priority' must be at most 32767, not 40000"),
        ("description: 5", "1:14 W005 'description' must be text, not the number 5; put it into quotes: \"5\""),
        ("description: ''", "1:14 W003 'description' is empty"),
        ("version: 2", "1:10 W035 'version' is text, and unquoted it is the number 2; quote it: version: \"2\""),
        ("constants: [1]", "1:12 W005 'constants' must be a mapping, not a list"),
        ("defaults: {retries: 3}", "1:12 W004 unknown key 'retries' in 'defaults'; did you mean 'retry'?"),
        ("defaults: 3", "1:11 W005 'defaults' must be a mapping with 'retry' or 'timeout', not the number 3"),
        ("retries: [api]", "1:10 W005 'retries' must be a mapping of policies by name, not a list"),
        ("retries: {Api: 3}",
         "1:11 W022 'Api' cannot be a name: names are lower case letters, digits and '_', a letter first; "
         "write 'api'"),
        ("retries: {api: api}", "1:16 W005 'api' must be a number of attempts or a mapping, not the text 'api'"),
        ("retries: {api: {delay: '${ 1 }'}}", "1:24 W030 'delay' is a fixed duration, so no ${ } can stand there"),
        ("retries: {api: {jitter: half}}", "1:25 W028 'jitter' is a number from 0 to 1, or full; not 'half'"),
        ("retries: {api: {jitter: 2}}", "1:25 W029 'jitter' must be from 0 to 1, not 2"),
        ("retries: {api: {factor: x}}", "1:25 W005 'factor' must be a number, not the text 'x'"),
        ("retries: {api: {only: IOError}}",
         "1:23 W005 'only' must be a list of error types, not the text 'IOError'; put it into [ ]"),
        ("retries: {api: {only: []}}", "1:23 W034 'only' is empty; it must be a list of error types"),
        ("retries: {api: {backoff: lineal}}",
         "1:26 W028 'backoff' is one of exponential, linear, constant, not 'lineal'; did you mean 'linear'?"),
        ("secrets: KEY", "1:10 W005 'secrets' must be a list of names of secrets, not the text 'KEY'; put it into [ ]"),
        ("secrets: [KEY, KEY]", "1:16 W023 the name 'KEY' is used twice"),
        ("secrets: [a-b]",
         "1:11 W022 item 1 of 'secrets' must be letters, digits and '_', no digit first; not the text 'a-b'; "
         "write 'a_b'"),
        ("concurrency: {limit: 0}", "1:22 W029 'limit' must be at least 1, not 0"),
        ("cancel_on: [{event: e}]", "1:14 W025 'key' is missing in a row of 'cancel_on'; the key that it is sent with"),
        ("schedules: []", "1:12 W034 'schedules' is empty; it must be a list of mappings with 'name' and 'cron'"),
        ("schedules: [{name: a, cron: daily}]",
         "1:29 W039 'daily' is not a cron expression; write minute, hour, day, month and weekday, as in 0 2 * * 1-5"),
        ("schedules: [{name: a, cron: 0 2 * * *, timezone: Berlin}]",
         "1:50 W028 there is no time zone 'Berlin'; write a name such as Europe/Berlin, or UTC"),
        ("on_failure: []", "1:13 W034 'on_failure' is empty; it must hold a node"),
        ("on_failure: {step: b, log: hi}",
         "1:13 W005 'on_failure' must be a list of nodes, not a mapping; put '- ' before each node, as in '- step: "
         "charge'"),
        ("step: x", "1:1 W004 unknown key 'step' in the document; did you mean 'steps'?"),
        ("when: data.x", "1:1 W006 'when' has no effect in the document; it belongs to a node"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_workflow(lines: str, problem: str) -> None:
    assert in_workflow(lines) == [problem]


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("5", "1:8 W005 'input' must be a mapping, not the number 5"),
        ("{type: array}", "1:15 W033 the input is a mapping, so its 'type' is object, not the text 'array'"),
        ("{order_id: {type: string}}",
         "1:9 W033 'order_id' is not a keyword of JSON Schema; the fields of the input stand under "
         "'properties'"),
        ("{requird: [a]}", "1:9 W033 'requird' is not a keyword of JSON Schema; did you mean 'required'?"),
        ("{required: a}", "1:19 W033 this is not a JSON Schema: 'required' must be a list, not the text 'a'"),
        ("{properties: {a: {type: int}}}",
         "1:32 W033 this is not a JSON Schema: 'type' is one of array, boolean, integer, null, number, object, "
         "string, or a list of them; not the text 'int'; write integer"),
        ("{properties: {a: {minLength: -1}}}", "1:37 W033 this is not a JSON Schema: 'minLength' is too small: -1"),
        ("{properties: {a: {enum: x}}}",
         "1:32 W033 this is not a JSON Schema: 'enum' must be a list, not the text 'x'"),
        ("{properties: {a: 5}}", "1:25 W033 this is not a JSON Schema: 'a' must be a mapping or true or false, not the "
         "number 5"),
        ("{required: [a, a]}", "1:19 W033 this is not a JSON Schema: 'required' holds the same thing twice"),
        ("{properties: {a: {pattern: '('}}}",
         "1:35 W033 '(' is not a regular expression: missing ), unterminated subpattern at position 0"),
        ("{properties: {a: {$ref: '#/$defs/b'}}}",
         "1:32 W033 there is nothing at '#/$defs/b' in this schema; references stay inside the schema, as in "
         "'#/$defs/address'"),
        ("{$ref: 'https://example.org/schema'}",
         "1:15 W033 there is nothing at 'https://example.org/schema' in this schema; references stay inside "
         "the schema, as in '#/$defs/address'"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_schema_of_the_input(schema: str, problem: str) -> None:
    assert in_workflow(f"input: {schema}") == [problem]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("retires: 3, call: a.b", "3:13 W004 unknown key 'retires' in step 'a'; did you mean 'retry'?"),
        ("call: charge", "3:19 W032 'charge' does not name an importable function; name its module too, as in "
         "package.module.charge"),
        ("call: 'shop:charge'", "3:19 W032 'shop:charge' does not name an importable function; write a dot before the "
         "function: shop.charge"),
        ("call: shop.charge()",
         "3:19 W032 'shop.charge()' does not name an importable function; leave out the parentheses: "
         "shop.charge"),
        ("call: 'shop charge'", "3:19 W032 'shop charge' does not name an importable function; write "
         "package.module.function"),
        ("call: a.b, with: 5", "3:30 W005 'with' must be a mapping, not the number 5"),
        ("call: a.b, with: {my-key: 5}",
         "3:31 W022 'my-key' cannot be the name of an argument; letters, digits and '_', no digit first"),
        ("set: {}", "3:18 W034 'set' is empty, so it has no effect"),
        ("set: {data.total: 1}",
         "3:19 W022 'set' takes keys of the data, not paths such as 'data.total'; write 'total'; a nested "
         "value is replaced together with the key that holds it"),
        ("set: {'': 1}", "3:19 W022 'set' takes keys of the data, and this one is empty"),
        ("log: null",
         "3:18 W005 'log' must be a message, such as the text 'paid ${ data.total }', not null; leave the key "
         "out if nothing is meant"),
        ("set: {a: 1}, with: {b: 1}", "3:26 W006 'with' has no effect in step 'a'; it belongs to 'call'"),
        ("retry: 3",
         "3:4 W025 step 'a' needs 'call', 'set', 'log', 'http', 'sql', 'shell', 'workflow', 'start', 'emit', "
         "'publish' or 'use'"),
        ("call: a.b, log: hi", "3:24 W027 step 'a' has 'call' and 'log'; exactly one of them can be there"),
        ("call: a.b, retry: 0", "3:31 W029 'retry' must be at least 1, not 0"),
        ("call: a.b, retry: true",
         "3:31 W005 'retry' must be a number of attempts, the name of a policy or a mapping, not true"),
        ("call: a.b, retry: {attempts: 3}", "3:32 W004 unknown key 'attempts' in a retry policy; did you mean "
         "'max_attempts'?"),
        ("call: a.b, save: data.x", "3:30 W022 'save' must be letters, digits and '_', no digit first; not the "
         "text 'data.x'; write 'x'"),
        ("call: a.b, when: 5", "3:30 W005 'when' must be an expression, not the number 5"),
        ("call: a.b, when: [data.x]", "3:30 W005 'when' must be an expression, not a list; put it into quotes"),
        ("call: a.b, when: ''", "3:30 W003 'when' is empty"),
        ("call: a.b, when: '${ data.x } == 1'",
         "3:31 W031 'when' is an expression already, without ${ }; write data.x == 1"),
        ("call: a.b, until: data.x", "3:24 W006 'until' has no effect in step 'a'; it belongs to 'loop'"),
        ("call: a.b, if: data.x", "3:24 W004 unknown key 'if' in step 'a'; did you mean 'when'?"),
        ("call: a.b, timeout: 1M", "3:33 W030 'timeout': '1M' is not a duration; write 1m"),
        ("call: a.b, catch: []", "3:31 W034 'catch' is empty; it must be a list of mappings with 'errors' and 'steps'"),
        ("call: a.b, catch: [{error: Busy, steps: []}]",
         "3:33 W004 unknown key 'error' in a row of 'catch'; did you mean 'errors'?"),
        ("call: a.b, catch: [{errors: [Busy]}]",
         "3:33 W025 'steps' is missing in a row of 'catch'; 'steps' says what to do about the error, [] does nothing; "
         "'rethrow: true' passes it on"),
        ("call: a.b, catch: [{errors: Busy, steps: []}]",
         "3:41 W005 'errors' must be a list of error types, not the text 'Busy'; put it into [ ]"),
        ("call: a.b, ignore_errors: yes", "3:39 W005 'ignore_errors' must be true or false, not the text 'yes'"),
        ("call: a.b, compensate: refund",
         "3:36 W032 'refund' does not name an importable function; name its module too, as in package.module.refund"),
        ("call: a.b, compensate: [c.d]",
         "3:36 W005 'compensate' must be a function or a mapping with an action, not a list"),
        ("call: a.b, compensate: {retry: 3}",
         "3:37 W025 'compensate' needs 'call', 'log', 'http', 'sql', 'shell', 'workflow', 'start', 'emit', "
         "'publish' or 'use'"),
        ("call: a.b, compensate: {call: c.d, log: hi}",
         "3:48 W027 'compensate' has 'call' and 'log'; exactly one of them can be there"),
        ("call: a.b, compensate: {call: c.d, save: x}", "3:48 W004 unknown key 'save' in 'compensate'"),
        ("http: https://example.org",
         "3:19 W005 'http' must be a mapping with 'url', not the text 'https://example.org'; write "
         "{url: 'https://example.org'}"),
        ("http: {method: GET}",
         "3:20 W025 'url' is missing in 'http'; the address, which begins with http:// or https://"),
        ("http: {url: example.org/x}",
         "3:25 W037 'example.org/x' does not begin with http:// or https://; write https://example.org/x"),
        ("http: {url: 'http://x', metod: GET}", "3:37 W004 unknown key 'metod' in 'http'; did you mean 'method'?"),
        ("http: {url: 'http://x', method: get}",
         "3:45 W028 'method' is one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, not 'get'; did you mean 'GET'?"),
        ("http: {url: 'http://x', json: {}}",
         "3:20 W025 'method' is missing in 'http', which sends 'json'; write method: POST"),
        ("http: {url: 'http://x', method: PUT, json: {}, body: x}",
         "3:60 W027 'json' and 'body' exclude each other"),
        ("http: {url: 'http://x', headers: {a b: c}}", "3:47 W022 'a b' cannot be a header"),
        ("http: {url: 'http://x', headers: {Age: 3}}",
         "3:52 W005 'Age' must be text, not the number 3; put it into quotes: \"3\""),
        ("http: {url: 'http://x', expect: ok}", "3:45 W028 'expect' is a status such as 200, or 2xx; not 'ok'"),
        ("http: {url: 'http://x', expect: [20]}", "3:46 W029 item 1 of 'expect' must be at least 100, not 20"),
        ("http: {url: 'http://x'}, with: {a: 1}", "3:38 W006 'with' has no effect in step 'a'; it belongs to 'call'"),
        ("sql: select 1",
         "3:18 W005 'sql' must be a mapping with 'query', not the text 'select 1'; write {query: ...}"),
        ("sql: {query: 'select ${ data.x }'}",
         "3:34 W038 a query cannot hold an expression, since its value could say anything in SQL; give the value under "
         "'params', and its place in the query"),
        ("sql: {query: select 1, params: 5}",
         "3:44 W005 'params' must be a mapping of parameters by name, or a list of them, not the number 5"),
        ("sql: {query: select 1, database: My DB}",
         "3:46 W022 'My DB' cannot be a name: names are lower case letters, digits and '_', a letter first; write "
         "'my_db'"),
        ("shell: ls -l", "3:20 W005 'shell' must be a mapping with 'command', not the text 'ls -l'"),
        ("shell: {command: ls -l}",
         "3:30 W005 'command' must be a list of a program and its arguments, not the text 'ls -l'; write [ls, -l], "
         "since no shell takes the text apart"),
        ("shell: {command: [sleep, 5]}",
         "3:38 W005 item 2 of 'command' must be text, not the number 5; put it into quotes: \"5\""),
        ("shell: {command: ['', x]}", "3:31 W003 item 1 of 'command' is empty"),
        ("shell: {command: [x], env: {A-B: x}}", "3:41 W022 'A-B' cannot be a variable"),
        ("workflow: Ship It",
         "3:23 W022 'Ship It' cannot be a name: names are lower case letters, digits and '_', a letter first; write "
         "'ship_it'"),
        ("workflow: x, attached: true", "3:26 W006 'attached' has no effect in step 'a'; it belongs to 'start'"),
        ("start: x, with: [1]", "3:29 W005 'with' must be a mapping, not a list"),
        ("publish: {}", "3:22 W034 'publish' is empty, so it has no effect"),
        ("publish: {Status: 1}",
         "3:23 W022 'Status' cannot be the name of a value; write lower-case letters, digits and '_'"),
        ("emit: x, with: {}",
         "3:13 W025 'emit' needs 'to' or 'key'; 'to' names an execution, 'key' reaches all that wait for it"),
        ("emit: x, to: y, key: z", "3:22 W027 'to' and 'key' exclude each other"),
        ("use: slack, with: {}",
         "3:18 W022 'slack' cannot be an action of a plug-in; name the plug-in, a dot and its action, as in "
         "slack.post"),
        ("use: a.b, with: {c-d: 1}",
         "3:30 W022 'c-d' cannot be the name of an argument; letters, digits and '_', no digit first"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_step(lines: str, problem: str) -> None:
    assert in_step(lines) == [problem]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("- greet",
         "3:5 W020 a node is a mapping that begins with its kind, as in 'step: charge'; write '- step: greet' "
         "with its action below"),
        ("- 5", "3:5 W020 a node is a mapping that begins with its kind, as in 'step: charge'"),
        ("- stp: greet\n  log: hi",
         "3:5 W020 a node begins with its kind, as in 'step: charge'; this mapping has none; 'log' is an "
         "action of a step: begin with '- step: name'"),
        ("- stp: greet",
         "3:5 W020 a node begins with its kind, as in 'step: charge'; this mapping has none; did you mean "
         "'step'?"),
        ("- notify: {log: hi}",
         "3:5 W020 a node begins with its kind, as in 'step: charge'; this mapping has none; write '- step: "
         "notify' with its action below, at the same depth"),
        ("- {}",
         "3:5 W020 a node begins with its kind, as in 'step: charge'; this mapping has none; one of step, "
         "decision, branch, parallel, foreach, loop, wait, group, fail, finish"),
        ("- step: Charge Card\n  log: hi",
         "3:11 W022 'Charge Card' cannot be a name: names are lower case letters, digits and '_', a letter "
         "first; write 'charge_card'"),
        ("- step: 5\n  log: hi", "3:11 W005 'step' must be text, not the number 5; put it into quotes: \"5\""),
        ("- step: " + "a" * 101 + "\n  log: hi", "3:11 W022 a name has at most 100 characters, this one has 101"),
        ("- step: end\n  log: hi",
         "3:11 W024 'end' is where a jump to the end of a list goes, so no node can be called so"),
        ("- step: a\n  log: hi\n- group: g\n  steps:\n    - step: a\n      log: hi",
         "7:15 W023 the name 'a' is used twice; the first is in line 3"),
        ("- step: a\n  log: hi\n  wait: b\n  for: 1m",
         "5:5 W021 a node has one kind; this one is a 'step' and a 'wait'; begin the second node with '- ' of "
         "its own"),
        ("- decision: d", "3:5 W025 decision 'd' needs 'choose' or 'call'"),
        ("- decision: d\n  choose: {when: true, goto: a}",
         "4:13 W005 'choose' must be a list of mappings with 'when' and 'goto', not a mapping"),
        ("- decision: d\n  choose: [{goto: a}]",
         "4:15 W025 'when' is missing in a choice; the jump is taken when this holds"),
        ("- decision: d\n  choose: [a]",
         "4:14 W005 item 1 of 'choose' must be a mapping with 'when' and 'goto', not the text 'a'"),
        ("- decision: d\n  call: a.b", "3:5 W025 'goto' is missing in decision 'd'; the nodes it may jump to"),
        ("- decision: d\n  call: a.b\n  goto: x",
         "5:11 W005 'goto' must be a list of names, not the text 'x'; put it into [ ]"),
        ("- decision: d\n  choose: [{when: true, goto: end}]\n  goto: [a]",
         "5:5 W006 'goto' has no effect in decision 'd'; it belongs to 'call'"),
        ("- branch: b\n  cases: {x: []}",
         "4:5 W025 cases by value need 'match'; add 'match' with an expression, or write the cases as a list "
         "of 'when' and 'steps'"),
        ("- branch: b\n  match: data.x\n  cases: [{when: true, steps: []}]",
         "4:5 W027 'match' has no effect on cases with 'when'; remove 'match', or write the cases as a mapping "
         "by value"),
        ("- branch: b\n  match: data.x\n  cases: {}", "5:12 W034 'cases' is empty; a branch needs at least one"),
        ("- branch: b\n  match: data.x\n  cases: x",
         "5:12 W005 'cases' must be a mapping of lists by value, or a list of 'when' and 'steps', not the text "
         "'x'"),
        ("- branch: b\n  match: data.x\n  cases:\n    x: {step: a, log: hi}",
         "6:10 W005 'x' must be a list of nodes, not a mapping; put '- ' before each node, as in '- step: "
         "charge'"),
        ("- branch: b\n  match: data.x",
         "3:5 W025 'cases' is missing in branch 'b'; lists of nodes by value, or rows of 'when' and 'steps'"),
        ("- branch: b\n  match: true\n  cases: {x: []}", "4:12 W005 'match' must be an expression, not true"),
        ("- parallel: p", "3:5 W025 parallel 'p' needs 'branches' or 'steps'"),
        ("- parallel: p\n  branches: {}", "4:15 W034 'branches' is empty; it must hold a branch"),
        ("- parallel: p\n  branches: [{step: a, log: hi}]",
         "4:15 W005 'branches' must be a mapping of lists by name, not a list; to run each node of a list at "
         "once, call the key 'steps'"),
        ("- parallel: p\n  branches: {B: [{step: a, log: hi}]}",
         "4:16 W022 'B' cannot be a name: names are lower case letters, digits and '_', a letter first; write "
         "'b'"),
        (f"- parallel: p\n  {BODY}\n  join: {{at_least: 2}}", "5:22 W029 'at_least' is 2, but there is only 1"),
        (f"- parallel: p\n  {BODY}\n  join: {{at_least: 1, at_lest: 2}}",
         "5:25 W004 unknown key 'at_lest' in 'join'; did you mean 'at_least'?"),
        (f"- parallel: p\n  {BODY}\n  join: some", "5:11 W028 'join' is one of all, any, not 'some'"),
        (f"- parallel: p\n  {BODY}\n  join: any\n  on_error: fail_fast",
         "6:5 W027 'on_error' and 'join' exclude each other; 'join' says which failures are accepted; remove "
         "'on_error'"),
        (f"- foreach: f\n  in: [1, 2]\n  {BODY}",
         "4:9 W005 'in' must be an expression, not a list; put it into quotes"),
        (f"- foreach: f\n  {BODY}", "3:5 W025 'in' is missing in foreach 'f'; the list to go through"),
        (f"- foreach: f\n  in: data.x\n  batch: 3\n  {BODY}",
         "5:5 W025 'batch' needs 'as', since the item is a list then; add 'as', a name for the list of items"),
        (f"- foreach: f\n  in: data.x\n  as: a-b\n  {BODY}", "5:9 W022 'as' must be letters, digits and '_', no "
         "digit first; not the text 'a-b'; write 'a_b'"),
        ("- foreach: f\n  in: data.x\n  steps: []", "5:12 W034 'steps' is empty; it must hold a node"),
        (f"- loop: l\n  {BODY}", "3:5 W025 loop 'l' needs 'while' or 'until'"),
        (f"- loop: l\n  while: data.x\n  until: data.y\n  {BODY}",
         "5:5 W027 loop 'l' has 'while' and 'until'; exactly one of them can be there"),
        (f"- loop: l\n  while: data.x\n  backoff: {{}}\n  {BODY}",
         "5:5 W006 'backoff' has no effect without 'every'; add 'every', the wait that grows"),
        (f"- loop: l\n  while: data.x\n  keep: 0\n  {BODY}", "5:11 W029 'keep' must be at least 1, not 0"),
        (f"- loop: l\n  while: data.x\n  every: 1m\n  backoff: 2\n  {BODY}",
         "6:14 W005 'backoff' must be a mapping with 'factor' and 'max', not the number 2"),
        ("- wait: w", "3:5 W025 wait 'w' needs 'for', 'at', 'event', 'ask', 'any' or 'all'"),
        ("- wait: w\n  event: is paid",
         "4:12 W022 'is paid' cannot be the name of an event; write letters, digits and '_', with dots between parts, "
         "as in order.paid"),
        ("- wait: w\n  event: paid\n  on_timeout: fail",
         "5:5 W006 'on_timeout' has no effect without 'timeout'; add 'timeout', how long it waits at most"),
        ("- wait: w\n  event: paid\n  timeout: 1m\n  on_timeout: skip",
         "6:17 W005 'on_timeout' must be fail, or a mapping with 'value' or 'goto', not the text 'skip'"),
        ("- wait: w\n  event: paid\n  timeout: 1m\n  on_timeout: {value: 1, goto: end}",
         "6:28 W027 'value' and 'goto' exclude each other"),
        ("- wait: w\n  event: paid\n  where: ${ event.x }",
         "5:12 W031 'where' is an expression already, without ${ }; write event.x"),
        ("- wait: w\n  for: 1m\n  key: x", "5:5 W006 'key' has no effect in wait 'w'; it belongs to 'event'"),
        ("- wait: w\n  ask: yes_or_no",
         "4:10 W028 'ask' is one of approval, choice, text, form, json, not 'yes_or_no'"),
        ("- wait: w\n  ask: choice", "4:5 W025 'choices' is missing beside 'ask: choice'"),
        ("- wait: w\n  ask: text\n  choices: [a]",
         "5:5 W006 'choices' has no effect on 'ask: text'; it belongs to 'ask: choice'"),
        ("- wait: w\n  ask: form\n  fields: {a: {typ: string}}",
         "5:18 W033 'typ' is not a keyword of JSON Schema; did you mean 'type'?"),
        ("- wait: w\n  any: {}", "4:10 W034 it must hold what is waited for"),
        ("- wait: w\n  all: [a]", "4:10 W005 'all' must be a mapping by label of what is waited for, not a list"),
        ("- wait: w\n  any: {a: {for: 1m, event: x}}",
         "4:24 W027 'a' has 'for' and 'event'; exactly one of them can be there"),
        ("- wait: w\n  any: {a: {any: {b: {for: 1m}}}}", "4:15 W025 'a' needs 'for', 'at', 'event' or 'ask'"),
        ("- wait: w\n  any: {a: {for: 1m, timeout: 2m}}",
         "4:24 W006 'timeout' has no effect in 'a'; it belongs to the wait"),
        ("- wait: w\n  for: 1m\n  choices: [a]", "5:5 W006 'choices' has no effect in wait 'w'; it belongs to 'ask'"),
        (f"- group: g\n  retry: 3\n  {BODY}", "4:5 W006 'retry' has no effect in group 'g'; it belongs to 'step'"),
        ("- fail: f\n  catch: [{steps: []}]", "4:5 W006 'catch' has no effect in fail 'f'"),
        ("- fail: f\n  save: x", "4:5 W006 'save' has no effect in fail 'f'"),
        ("- finish: f\n  timeout: 1m", "4:5 W006 'timeout' has no effect in finish 'f'"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_node(lines: str, problem: str) -> None:
    assert in_nodes(lines) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- step: a\n",
         "1:1 W036 a document begins with 'workflow: name' and has its nodes under 'steps'; put the list under "
         "'steps'"),
        ("hello\n", "1:1 W036 a document begins with 'workflow: name' and has its nodes under 'steps'"),
        ("step: a\nlog: hi\n",
         "1:1 W036 a document begins with 'workflow: name' and has its nodes under 'steps'; 'step' begins a "
         "node, which stands in the list under 'steps'"),
        ("workflow: w\n", "1:1 W025 'steps' is missing in the document; the nodes, in the order they run"),
        ("steps: [{step: a, log: hi}]\n", "1:1 W025 'workflow' is missing in the document; the name of the workflow"),
        ("workflow: w\nsteps: {a: {log: hi}}\n",
         "2:8 W005 'steps' must be a list of nodes, not a mapping; put '- ' before each node, as in '- step: "
         "charge'"),
        ("workflow: w\nsteps: []\n", "2:8 W034 'steps' is empty; it must hold a node"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_frame(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]
