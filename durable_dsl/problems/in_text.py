"""Problems with a text as YAML, before anything is known of workflows."""

from __future__ import annotations

from durable_dsl.problems.page import Page

TEXT_PAGES = (
    Page(
        "W001",
        "This is not YAML",
        "The text cannot be read at all from here on. The other documents of the file are still checked. Most "
        "often a bracket or a quote is never closed, or a line is not indented like its neighbours.",
        "- step: greet\n  log: \"hello\n",
        '- step: greet\n  log: "hello"\n',
    ),
    Page(
        "W002",
        "A key is there twice",
        "A mapping holds each key once. Of two values one would have to be dropped in silence.",
        "- step: greet\n  log: hello\n  log: good morning\n",
        "- step: greet\n  log: good morning\n",
    ),
    Page(
        "W003",
        "A value is missing",
        "A key without a value would be null in YAML, which is rarely meant. Write the value, or remove the key. "
        "A value that really is null is written `null`.",
        "- step: greet\n  log: hello\n  timeout:\n",
        "- step: greet\n  log: hello\n  when: data.awake\n",
    ),
    Page(
        "W007",
        "Aliases, anchors and merge keys",
        "A document says everything where it is used, so YAML's `&anchor`, `*alias` and `<<` are refused. Values "
        "that are used in several places stand under `constants`, retry policies under `retries`.",
        "- step: first\n  set: &values {rate: 0.19}\n- step: second\n  set: *values\n",
        'constants: {rate: 0.19}\nsteps:\n  - step: first\n    set: {rate: "${ constants.rate }"}\n',
    ),
    Page(
        "W008",
        "A tag",
        "Tags such as `!!str` or `!Ref` are not part of the language. Text that looks like a number is put into "
        "quotes.",
        "- step: greet\n  set: {code: !!str 42}\n",
        '- step: greet\n  set: {code: "42"}\n',
    ),
    Page(
        "W009",
        "A key that is no text",
        "Keys are always text. Double braces, as in other template languages, are a mapping as a key in YAML; "
        "expressions are written `${ … }` here.",
        "- step: greet\n  log: {{ input.name }}\n",
        "- step: greet\n  log: ${ input.name }\n",
    ),
    Page(
        "W010",
        "Too large",
        "A text has at most 8,000,000 characters, a document at most 1,000,000 keys and values and 100 levels. "
        "Larger data belongs into the input, or into a file that a step reads.",
    ),
    Page(
        "W011",
        "A character that cannot be read",
        "Files are UTF-8, and control characters other than tab and line breaks cannot stand in YAML. In double "
        'quotes they are written as escapes, as in `"\\x07"`.',
        '- step: greet\n  log: "ring \x07"\n',
        '- step: greet\n  log: "ring \\x07"\n',
    ),
    Page(
        "W012",
        "A number that does not fit",
        "Whole numbers have 64 bits with a sign, others are double precision. Longer digits are nearly always an "
        "identifier, which is text.",
        "- step: greet\n  set: {account: 12345678901234567890}\n",
        '- step: greet\n  set: {account: "12345678901234567890"}\n',
    ),
    Page(
        "W013",
        "A tab",
        "YAML is indented with spaces.",
        "- step: greet\n\tlog: hello\n",
        "- step: greet\n  log: hello\n",
    ),
    Page(
        "W014",
        "An expression that needs quotes",
        "Some characters of expressions mean something else in YAML. Put the whole value into quotes when it "
        "holds `: ` or ` #`, when it begins with one of `` ! * & > | % @ [ { ` `` or with a quote, and in `{ }` "
        "and `[ ]` also when it holds a comma, a bracket or `${ }`.",
        "- step: greet\n  log: hello\n  when: !data.asleep\n",
        '- step: greet\n  log: hello\n  when: "!data.asleep"\n',
    ),
    Page(
        "W015",
        "No workflow",
        "The file is empty, or holds nothing but comments.",
        "# only a comment\n",
        "workflow: greeting\nsteps:\n  - step: greet\n    log: hello\n",
    ),
)  # fmt: skip
