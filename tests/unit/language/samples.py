"""Valid files that together use everything the language has."""

from __future__ import annotations

EVERYTHING = """\
# yaml-language-server: $schema=../../schemas/workflow.schema.json
workflow: process_order
description: Charge and ship.
version: "4"
timeout: 2h
queue: orders
priority: 5
input:
  type: object
  required: [order_id]
  properties:
    order_id: {type: string, pattern: "^[A-Z]+$", description: "Who: what"}
    patience: {type: string}
    ends_at: {type: string, format: date-time}
    lines: {type: array, items: {$ref: "#/$defs/line"}, default: []}
  $defs:
    line: {type: [object, "null"], additionalProperties: true, x-note: ours}
output: {id: "${ input.order_id }", tracking: "${ data.shipment.tracking }"}
defaults: {retry: api, timeout: 1m}
retries:
  api: {max_attempts: 5, max_delay: 2m, except: [CardDeclined]}
  slow:
    max_attempts: 3
    backoff: linear
    delay: PT1S
    factor: 1.5
    max_elapsed: 1h
    jitter: full
    only: [IOError, shop.errors.Busy]
    when: error.attempt < 3
  few: 2
concurrency: {key: "${ input.order_id }", limit: 2, on_conflict: reject}
cancel_on: [{event: order.cancelled, key: "${ input.order_id }", compensate: true}]
schedules:
  - {name: nightly, cron: 0 2 * * 1-5, timezone: Europe/Berlin, overlap: skip, catchup: none, input: {order_id: A}}
constants: {vat: 0.19, list: [1, null, true], nested: {a: {b: c}}}
secrets: [API_KEY, slack_token]
steps:
  - step: validate
    call: shop.orders.validate
    compensate: shop.orders.forget
  - step: charge
    description: Takes the money.
    when: data.total > 0
    call: shop.payments.charge
    with: {amount: "${ data.total }", note: "a $${ b }"}
    retry: {max_attempts: 4, backoff: constant, jitter: 0, max_elapsed: none}
    timeout: ${ input.patience }
    output: "${ result.id }"
    save: charge_id
    catch:
      - errors: [CardDeclined, shop.errors.Busy]
        when: error.attempt > 1
        compensate: true
        steps:
          - step: apologise
            log: "${ error.type }: ${ error.message }"
          - decision: give_up
            choose: [{when: data.total > 1000, goto: finish_early}]
      - {errors: [Timeout], rethrow: true}
      - {rethrow: true, steps: [{step: note, log: failed}]}
  - step: remember
    set:
      total: ${ data.total * (1.0 + constants.vat) }
      empty: null
      "any key": {a: [1, 2]}
  - step: say
    log: "charged ${ data.charge_id }"
  - step: order
    http:
      method: POST
      url: https://api.example.org/orders/${ input.order_id }
      headers: {Accept: application/json, X-Trace: "${ execution.id }", X-Key: "${ secrets.API_KEY }"}
      query: {full: true}
      json: null
      expect: [2xx, 409]
    retry: api
  - step: upload
    http: {method: PUT, url: "${ data.place }", body: hello, expect: 201}
  - step: reserve
    compensate: {sql: {query: delete from stock, params: ["${ result.id }"]}, retry: 9, timeout: 5s}
    sql:
      query: |
        update stock set reserved = reserved + %(count)s
        where sku = %(sku)s
      params: {sku: x, count: "${ size(input.lines) }"}
      database: stock
    timeout: 5s
  - step: resize
    shell: {command: [resize, "${ data.total }", ""], env: {LANG: C}, cwd: /srv}
  - step: ship
    workflow: ship_order
    with: {order: "${ input.order_id }"}
    key: ship-${ input.order_id }
    queue: parcels
    retry: 2
    timeout: 1d
  - step: survey
    start: ask_for_stars
    attached: true
  - step: tell_all
    emit: order.shipped
    key: ${ input.order_id }
    with: {total: "${ data.total }"}
  - step: show
    publish: {total: "${ data.total }"}
  - step: post
    use: slack.post
    with: {channel: orders}
    save: posted
  - decision: big
    choose:
      - {when: data.total > 1000, goto: approve}
      - {when: data.total < 0, goto: end}
  - decision: asked
    choose: [{when: {call: shop.orders.is_big}, goto: approve}]
  - decision: ask
    call: shop.orders.route
    goto: [approve, end]
  - group: approve
    timeout: 1d
    steps:
      - wait: cool_down
        for: 30m
      - wait: trial_end
        at: ${ timestamp(input.ends_at) }
      - wait: payment
        event: payment.succeeded
        key: ${ data.invoice }
        where: event.amount > 5
        timeout: 7d
        on_timeout: {goto: sign_offs}
        save: payment
      - wait: approval
        ask: approval
        prompt: Approve ${ data.total }?
        assignees: ["role:manager", "${ data.boss }"]
        metadata: {level: 3}
        timeout: 3d
        on_timeout: {value: {approved: false}}
      - wait: sign_offs
        all:
          legal: {ask: form, fields: {reason: {type: string}}}
          finance: {ask: choice, choices: [pay, wait]}
          deep: {ask: json, schema: {type: array}}
        timeout: 1w
        on_timeout: fail
      - wait: outcome
        any: {paid: {event: paid, where: "event.x", key: a}, late: {for: 7d}, end: {at: 2031-01-31T09:00:00Z}}
  - branch: route
    match: data.kind
    cases:
      digital:
        - step: make_link
          call: shop.links.make
      true: []
      42: [{step: answer, log: 42}]
    default: []
  - branch: size
    cases:
      - when: data.total > 100
        steps:
          - {fail: too_big, type: TooBig, message: "${ data.total } is too much", data: {limit: 100}}
      - when: false
        steps: []
  - parallel: notify
    on_error: complete_all
    save: notified
    branches:
      mail: [{step: mail, call: shop.mail.send, retry: slow}]
      sms:
        - step: sms
          call: shop.sms.send
          retry: 3
  - parallel: race
    join: {at_least: 1}
    steps:
      - step: first
        call: a.b
      - step: second
        call: a.b
  - foreach: lines
    in: input.lines
    as: some_lines
    concurrency: 8
    batch: 10
    on_error: complete_all
    steps:
      - loop: poll
        until: iteration > 3
        every: 30s
        backoff: {factor: 2, max: 5m}
        max_iterations: 10
        on_limit: continue
        keep: 5
        steps:
          - loop: inner
            while: |
              size(some_lines) > 0 &&
              index < 10
            steps:
              - {step: touch, log: "${ index }"}
  - step: tidy
    call: shop.tidy
    ignore_errors: true
  - finish: finish_early
    when: true
    output: 1
on_failure:
  - step: tell
    call: shop.mail.tell
    with: {why: "${ error.message }"}
    catch: [{steps: []}]
"""

SMALL = """\
workflow: greeting
steps:
  - step: greet
    log: hello
"""

SEVERAL = """\
workflow: first
steps:
- step: greet
  log: >-
    hello
    ${ input.name }
---
workflow: second
version: v2
steps: [{step: greet, log: 'it''s "me"'}, {wait: a_while, for: 1h30m}]
--- # the third
{workflow: third, steps: [{parallel: both, join: any, steps: [{step: a, log: 1}, {step: b, log: 2}]}]}
"""

SAMPLES = [EVERYTHING, SMALL, SEVERAL]
