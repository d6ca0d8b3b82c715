-- define: chosen
-- Which executions the filters let through; one that is not given lets through everything.
where (%(statuses)s::text[] is null
       or case when e.paused and e.status in ('pending', 'running', 'waiting') then 'paused' else e.status end = any(%(statuses)s::text[]))
  and (%(workflow)s::text is null or e.workflow = %(workflow)s::text)
  and (%(version)s::text is null or starts_with(d.version, %(version)s::text) or d.label = %(version)s::text)
  and (%(queue)s::text is null or e.queue = %(queue)s::text)
  and (%(key)s::text is null or e.key = %(key)s::text)
  and (%(parent)s::uuid is null or e.parent = (select p.id from durable.execution p where p.public_id = %(parent)s::uuid))
  and (not %(root_only)s::boolean or e.parent is null)
  and (%(headers)s::json is null or not exists (
      select from json_each_text(%(headers)s::json) h where e.headers->>h.key is distinct from h.value))
  and (%(created_from)s::timestamptz is null or e.created_at >= %(created_from)s::timestamptz)
  and (%(created_until)s::timestamptz is null or e.created_at < %(created_until)s::timestamptz)
  and (%(finished_from)s::timestamptz is null or e.finished_at >= %(finished_from)s::timestamptz)
  and (%(finished_until)s::timestamptz is null or e.finished_at < %(finished_until)s::timestamptz)

-- define: claimable
-- What was started can be claimed, or waits for its time.
), hinted as (
    insert into durable.ready (execution_id, queue, rank)
    select id, queue, -priority from started where scheduled_at is null or scheduled_at <= now() order by id
), later as (
    insert into durable.wait (execution_id, path, kind, due_at)
    select id, '', 'start', scheduled_at from started where scheduled_at > now()
)
select count(*) from started

-- name: save_definition
-- Stores a graph once; the same graph again gives the same row.
with saved as (
    insert into durable.definition (workflow, version, label, graph)
    values (%(workflow)s, %(version)s, %(label)s, %(graph)s)
    on conflict (workflow, version) do nothing
    returning id, graph::text
)
select id, graph from saved
union all
select id, graph::text from durable.definition where workflow = %(workflow)s and version = %(version)s
limit 1

-- name: get_definition
select graph::text from durable.definition where id = %(id)s

-- name: latest_definition
select id, graph::text from durable.definition where workflow = %(workflow)s order by id desc limit 1

-- name: insert_executions
-- Starts executions: row, and hint or due time, in one statement.
with started as (
    insert into durable.execution (public_id, definition_id, workflow, queue, priority, input, scheduled_at, headers)
    select * from unnest(
        %(public_ids)s::uuid[], %(definition_ids)s::bigint[], %(workflows)s::text[], %(queues)s::text[], %(priorities)s::int[],
        %(inputs)s::json[], %(scheduled_ats)s::timestamptz[], %(headers)s::json[]
    )
    returning id, queue, priority, scheduled_at
-- part: claimable

-- name: insert_keyed
-- The same with keys. One whose key its workflow knows already is not started; a key that another transaction has just taken is waited
-- for. It is a statement of its own because each row of it is written twice to the log: once to try, and once to confirm.
with started as (
    insert into durable.execution (public_id, definition_id, workflow, queue, priority, input, scheduled_at, headers, key)
    select * from unnest(
        %(public_ids)s::uuid[], %(definition_ids)s::bigint[], %(workflows)s::text[], %(queues)s::text[], %(priorities)s::int[],
        %(inputs)s::json[], %(scheduled_ats)s::timestamptz[], %(headers)s::json[], %(keys)s::text[]
    )
    on conflict (workflow, key) where key is not null do nothing
    returning id, queue, priority, scheduled_at
-- part: claimable

-- name: hold_burst
-- Takes a key's row, so that of several calls with it one comes after the other; makes it where there is none. Gives the last call and
-- what came of it.
insert into durable.burst (workflow, key, first_at, due_at, call)
values (%(workflow)s, %(key)s, clock_timestamp(), clock_timestamp(), %(call)s::uuid)
on conflict (workflow, key) do update set key = excluded.key
returning call::text, (select e.public_id::text from durable.execution e where e.id = execution_id)

-- name: extend_burst
-- Gives the execution of a burst the newest input and a later beginning; nothing when it has begun, when its time has come, or when
-- somebody has sent it something. By the lock of its row a claim, a request, and whoever wakes it come before or after; its wait is not
-- locked before it, for a claim takes them in this order too. In a statement after that which took the key's row, so that what a call
-- before this one started is seen.
with open as materialized (
    select e.id, w.id as wait_id, least(clock_timestamp() + %(span)s::interval, b.first_at + %(limit)s::interval) as due_at
    from durable.burst b
    join durable.execution e on e.id = b.execution_id
    join durable.wait w on w.execution_id = e.id and w.kind = 'start'
    where b.workflow = %(workflow)s and b.key = %(key)s
      and e.status = 'pending' and e.started_at is null and e.signal = 0 and w.due_at > clock_timestamp()
    for no key update of e
), moved as (
    update durable.wait w set due_at = o.due_at from open o where w.id = o.wait_id
), noted as (
    update durable.burst b set due_at = o.due_at, call = %(call)s::uuid from open o where b.workflow = %(workflow)s and b.key = %(key)s
)
update durable.execution e
set definition_id = %(definition_id)s, queue = %(queue)s, priority = %(priority)s, input = %(input)s::json,
    headers = %(headers)s::json, scheduled_at = o.due_at
from open o where e.id = o.id
returning e.public_id::text

-- name: begin_burst
-- An execution for the first call of a burst. Others whose time is long over are forgotten, a few by each.
with at as materialized (
    select clock_timestamp() as first_at, clock_timestamp() + least(%(span)s::interval, %(limit)s::interval) as due_at
), started as (
    insert into durable.execution (public_id, definition_id, workflow, queue, priority, input, scheduled_at, headers)
    select %(public_id)s::uuid, %(definition_id)s, %(workflow)s, %(queue)s, %(priority)s, %(input)s::json, due_at, %(headers)s::json
    from at
    returning id, public_id
), later as (
    insert into durable.wait (execution_id, path, kind, due_at) select s.id, '', 'start', at.due_at from started s, at
), noted as (
    update durable.burst b set execution_id = s.id, first_at = at.first_at, due_at = at.due_at, call = %(call)s::uuid
    from started s, at where b.workflow = %(workflow)s and b.key = %(key)s
), over as (
    select b.workflow, b.key from durable.burst b
    where b.due_at < now() - interval '1 hour' and (b.workflow, b.key) <> (%(workflow)s, %(key)s)
    order by b.due_at limit 10 for update skip locked
), forgotten as (
    delete from durable.burst b using over o where b.workflow = o.workflow and b.key = o.key
)
select public_id::text from started

-- name: take_ids
-- Ids for executions that are copied, since what is copied gives nothing back.
select array_agg(nextval('durable.execution_id_seq')) from generate_series(1, %(count)s)

-- name: copy_executions
-- Many executions that differ in id and input only. A page of the table is one entry of the log and not one for each row.
copy durable.execution (definition_id, workflow, queue, priority, headers, id, public_id, input) from stdin (format binary)

-- name: copy_hints
copy durable.ready (queue, rank, execution_id) from stdin (format binary)

-- name: executions_by_key
-- In the order of the keys: the execution that has the key, whoever started it.
select e.public_id::text
from unnest(%(workflows)s::text[], %(keys)s::text[]) with ordinality k(workflow, key, number)
left join durable.execution e on e.workflow = k.workflow and e.key = k.key
order by k.number

-- name: has_definitions
-- Whether a connection leads to the database in which these definitions are stored.
select count(*) from unnest(%(ids)s::bigint[], %(workflows)s::text[]) k(id, workflow)
join durable.definition d on d.id = k.id and d.workflow = k.workflow

-- name: tell
-- A hint, never relied upon: whoever misses it looks now and then. Workers are told which queue has work, or nothing, and then look for
-- themselves; clients are told which executions ended.
select pg_notify(%(channel)s, %(hint)s)

-- name: get_execution
select e.public_id::text, e.workflow, d.version, d.label, e.status, e.paused, e.queue, e.priority, e.input::text, e.output::text,
       e.error::text, e.created_at, e.scheduled_at, e.started_at, e.finished_at, e.recoveries, e.id, e.definition_id,
       e.key, e.headers::text,
       e.parent_id::text, e.parent_path, e.depth, e.attached
from durable.execution e join durable.definition d on d.id = e.definition_id
where e.public_id = %(public_id)s::uuid

-- name: execution_outcome
select status, output::text, error::text from durable.execution where public_id = %(public_id)s::uuid

-- name: list_executions
-- In one of three orders. The planner knows the parameters, so an order that is not asked for is a constant and costs nothing. Of the
-- last row of the page before, `below` or `above` is the id and `ended` the end. `brief` leaves the values of users out.
select e.public_id::text, e.workflow, d.version, d.label, e.status, e.paused, e.queue, e.priority,
       case when not %(brief)s::boolean then e.input::text end, case when not %(brief)s::boolean then e.output::text end,
       case when not %(brief)s::boolean then e.error::text end,
       e.created_at, e.scheduled_at, e.started_at, e.finished_at, e.recoveries, e.id, e.definition_id,
       e.key, e.headers::text,
       e.parent_id::text, e.parent_path, e.depth, e.attached
from durable.execution e join durable.definition d on d.id = e.definition_id
-- part: chosen
  and (%(order)s::text <> 'finished' or e.finished_at is not null)
  and (%(above)s::bigint is null or e.id > %(above)s::bigint)
  and (%(below)s::bigint is null or %(ended)s::timestamptz is not null or e.id < %(below)s::bigint)
  and (%(ended)s::timestamptz is null or (e.finished_at, e.id) < (%(ended)s::timestamptz, %(below)s::bigint))
order by case when %(order)s::text = 'oldest' then e.id end, case when %(order)s::text = 'finished' then e.finished_at end desc, e.id desc
limit %(limit)s

-- name: count_executions
-- By the status that people see.
select case when e.paused and e.status in ('pending', 'running', 'waiting') then 'paused' else e.status end as shown, count(*)
from durable.execution e join durable.definition d on d.id = e.definition_id
-- part: chosen
group by shown order by shown

-- name: family
-- All executions of the line that one belongs to, in the order in which they were started.
select e.public_id::text, e.workflow, d.version, d.label, e.status, e.paused, e.queue, e.priority, e.input::text, e.output::text,
       e.error::text, e.created_at, e.scheduled_at, e.started_at, e.finished_at, e.recoveries, e.id, e.definition_id,
       e.key, e.headers::text,
       e.parent_id::text, e.parent_path, e.depth, e.attached
from (select coalesce(root, id) as id from durable.execution where id = %(id)s) first
join durable.execution e on e.id = first.id or e.root = first.id
join durable.definition d on d.id = e.definition_id
order by e.id limit %(limit)s

-- name: list_checkpoints
select seq, path, kind, attempt, result::text, error::text, due_at, started_at, finished_at
from durable.checkpoint where execution_id = %(id)s and seq > %(after)s order by seq

-- name: list_logs
select path, attempt, level, message, at, id
from durable.log
where execution_id = %(id)s and id > %(after)s
  and (%(levels)s::text[] is null or level = any(%(levels)s::text[]))
  and (%(node)s::text is null or path = %(node)s::text
       or (starts_with(path, %(node)s::text) and substr(path, length(%(node)s::text) + 1, 1) in ('/', '[', '#')))
order by id

-- name: list_progress
-- What attempts under way said last. One whose worker was lost may have left a word that a later checkpoint has made old.
select p.path, p.progress::text from durable.progress p
where p.execution_id = %(id)s and not exists (
    select from durable.checkpoint c
    where c.execution_id = p.execution_id and c.path = p.path and c.kind <> 'entered' and c.finished_at >= p.at
)
order by p.path

-- name: standing
-- What the tables say of one execution beside its history. A worker without queues of its own serves all of them, without a limit.
with one as (
    select e.id, e.queue, e.owner, e.status from durable.execution e where e.id = %(id)s
), living as (
    select w.queues from durable.worker w where w.expires_at >= now()
), mine as (
    select r.rank, r.id from durable.ready r join one on one.id = r.execution_id and one.queue = r.queue order by r.rank, r.id limit 1
)
select now(),
    (select w.name from durable.worker w join one on w.id = one.owner),
    (select one.owner is not null and not exists (select from durable.worker w where w.id = one.owner and w.expires_at >= now()) from one),
    (select coalesce(json_agg(json_build_array(w.kind, w.path, extract(epoch from w.due_at)) order by w.due_at), '[]')::text
     from durable.wait w where w.execution_id = %(id)s and w.due_at is not null),
    array(select r.kind from durable.request r where r.execution_id = %(id)s order by r.id),
    (select count(*) from durable.ready r, one, mine where r.queue = one.queue and (r.rank, r.id) < (mine.rank, mine.id)),
    (select count(*) from living l, one where l.queues::text = '{}' or l.queues->>one.queue is not null),
    (select count(*) from living),
    (select case when bool_or(l.queues::text = '{}') then null else sum((l.queues->>one.queue)::bigint) end from living l, one),
    (select count(*) from durable.execution e, one where e.owner is not null and e.queue = one.queue)

-- name: lock_execution
-- Nothing when another transaction holds the row.
select id from durable.execution where id = %(id)s for no key update skip locked

-- name: list_workers
select id, name, host, pid, queues::text, started_at, expires_at, expires_at < now() as expired, loop_lag,
       (select count(*) from durable.execution e where e.owner = worker.id) as executions
from durable.worker order by id

-- name: send_request
-- The row in the inbox and the signal are one statement, so that an owner who saw the signal finds the row. An execution without an
-- owner is made claimable, a paused one too: to apply the request, not to go on. Gives the status found; nothing when there is no such
-- execution. `paused` tells what was asked for last; the row's lock puts it in the order in which the requests are applied.
with found as materialized (
    select e.id, e.status, e.owner, e.queue, e.priority, e.recoveries
    from durable.execution e where e.public_id = %(public_id)s::uuid for no key update
), signalled as (
    update durable.execution e
    set signal = e.signal + 1, status = case when e.status = 'waiting' then 'pending' else e.status end,
        paused = case %(kind)s when 'pause' then true when 'resume' then false when 'cancel' then false else e.paused end
    from found f where e.id = f.id and f.status in ('pending', 'running', 'waiting')
    returning e.id
), sent as (
    insert into durable.request (execution_id, kind, payload) select id, %(kind)s, %(payload)s from signalled
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select f.id, f.queue, -f.priority, f.recoveries >= %(alone_from)s
    from found f join signalled s on s.id = f.id where f.owner is null
)
select status from found

-- name: retry
-- Opens an execution again that has failed: claimable, with the request that its owner takes the failure back. What its end left unread
-- of events, answers and children is read then; what people asked of the execution as it was is gone. Gives the status found; nothing
-- when there is no such execution.
with found as materialized (
    select e.id, e.status, e.queue, e.priority from durable.execution e where e.public_id = %(public_id)s::uuid for no key update
), opened as (
    update durable.execution e
    set status = 'pending', signal = e.signal + 1, error = null, output = null, finished_at = null, recoveries = 0, paused = false
    from found f where e.id = f.id and f.status = 'failed'
    returning e.id
), cleared as (
    delete from durable.request r using opened o where r.execution_id = o.id and r.kind not in ('event', 'answer', 'child', 'join')
), sent as (
    insert into durable.request (execution_id, kind, payload) select id, 'retry', %(payload)s from opened
), hinted as (
    insert into durable.ready (execution_id, queue, rank) select f.id, f.queue, -f.priority from found f join opened o on o.id = f.id
)
select status from found

-- name: load_history
-- All that is left of a history, and before it the snapshot with which it begins, if something of it is gone.
select execution_id, seq, format as path, 'snapshot' as kind, pruned::int as attempt, state::text as result, version as error,
       null::timestamptz as due_at, null::timestamptz as started_at, null::timestamptz as finished_at, 0 as place
from (select * from durable.snapshot where execution_id = %(id)s and pruned order by seq limit 1) s
union all
select execution_id, seq, path, kind, attempt, result::text, error::text, due_at, started_at, finished_at, seq
from durable.checkpoint where execution_id = %(id)s
order by place

-- name: fork_execution
-- A new execution with the first checkpoints of another, byte for byte, and one that says where it comes from. It has begun, so that
-- whoever claims it reads them.
with one as (
    insert into durable.execution (public_id, definition_id, workflow, queue, priority, input, key, headers, started_at)
    values (%(public_id)s, %(definition_id)s, %(workflow)s, %(queue)s, %(priority)s, %(input)s::json, %(key)s, %(headers)s::json, now())
    returning id, queue, priority
), copied as (
    insert into durable.checkpoint (execution_id, seq, path, kind, attempt, result, error, due_at, started_at, finished_at)
    select one.id, c.seq, c.path, c.kind, c.attempt, c.result, c.error, c.due_at, c.started_at, c.finished_at
    from one, durable.checkpoint c where c.execution_id = %(source)s and c.seq <= %(upto)s
    union all
    select one.id, %(upto)s + 1, '', 'forked', 1, %(forked)s::json, null, null, null, %(forked_at)s from one
), shown as (
    insert into durable.value (execution_id, name, seq, path, value, at)
    select one.id, v.name, v.seq, v.path, v.value, v.at from one, durable.value v where v.execution_id = %(source)s and v.seq <= %(upto)s
), begun as (
    insert into durable.snapshot (execution_id, seq, format, version, state, pruned)
    select one.id, %(base_seq)s, %(format)s, %(version)s, %(state)s::json, true from one where %(state)s::json is not null
)
insert into durable.ready (execution_id, queue, rank) select id, queue, -priority from one

-- name: send_requests
-- One request to each of many, in the order of their ids; those that have ended take none. Gives how many took it.
with found as materialized (
    select e.id, e.status, e.owner, e.queue, e.priority, e.recoveries
    from durable.execution e where e.public_id = any(%(public_ids)s::uuid[]) order by e.id for no key update
), signalled as (
    update durable.execution e
    set signal = e.signal + 1, status = case when e.status = 'waiting' then 'pending' else e.status end,
        paused = case %(kind)s when 'pause' then true when 'resume' then false when 'cancel' then false else e.paused end
    from found f where e.id = f.id and f.status in ('pending', 'running', 'waiting')
    returning e.id
), sent as (
    insert into durable.request (execution_id, kind, payload) select id, %(kind)s, %(payload)s from signalled
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select f.id, f.queue, -f.priority, f.recoveries >= %(alone_from)s
    from found f join signalled s on s.id = f.id where f.owner is null
)
select count(*) from signalled

-- name: was_asked
-- Whether a retry with this mark is in the inbox, or was answered already.
select exists (
    select from durable.execution e
    left join durable.request r on r.execution_id = e.id and r.kind = 'retry'
    left join durable.checkpoint c on c.execution_id = e.id and c.kind = 'rewound'
    where e.public_id = %(public_id)s::uuid and %(mark)s in (r.payload->>'asked', c.result->>'asked')
)

-- name: was_received
-- Whether an execution was sent an event that its sender named so.
select exists (
    select from durable.execution e join durable.checkpoint c on c.execution_id = e.id
    where e.public_id = %(public_id)s::uuid and c.kind = 'received' and c.result ->> 'once' = %(once)s
)

-- name: find_value
-- The newest value of a name, with the status of the execution in the same snapshot: what has ended publishes nothing more.
select e.status, v.value::text
from durable.execution e left join lateral (
    select v.value from durable.value v where v.execution_id = e.id and v.name = %(name)s order by v.seq desc limit 1
) v on true
where e.public_id = %(public_id)s::uuid

-- name: list_values
select distinct on (v.name) v.name, v.value::text, v.path, v.at from durable.value v
where v.execution_id = %(id)s order by v.name, v.seq desc

-- name: read_stream
-- What comes after an item of a stream, with the status of the execution in the same snapshot: what has ended writes nothing more.
select e.status, s.id, s.value::text, s.path, s.attempt, s.at
from durable.execution e left join lateral (
    select s.id, s.value, s.path, s.attempt, s.at from durable.stream s
    where s.execution_id = e.id and s.name = %(name)s and s.id > %(after)s order by s.id limit %(limit)s
) s on true
where e.public_id = %(public_id)s::uuid order by s.id

-- name: emit_event
insert into durable.event (name, key, payload, sent_by)
values (%(name)s, %(key)s, %(payload)s::json, %(sent_by)s::uuid) on conflict do nothing returning id

-- name: keep_events
insert into durable.event_keeping (name, keep) values (%(name)s, %(keep)s)
on conflict (name) do update set keep = excluded.keep returning name

-- name: list_pending
-- What executions wait for from outside, the oldest first.
select e.public_id::text, e.workflow, w.path, w.label, w.kind, w.name, w.key, w.detail::text, w.opened_at, w.due_at,
       w.answer is not null
from durable.open_wait w join durable.execution e on e.id = w.execution_id
where w.kind <> 'cancel_on' and (%(public_id)s::uuid is null or e.public_id = %(public_id)s::uuid)
  and (%(workflow)s::text is null or e.workflow = %(workflow)s::text)
  and (%(kind)s::text is null or w.kind = %(kind)s::text or w.detail ->> 'ask' = %(kind)s::text)
  and (%(assignee)s::text is null or exists (
      select from json_array_elements_text(w.detail -> 'assignees') a where a = %(assignee)s::text
  ))
order by w.opened_at, w.execution_id, w.path, w.label limit %(limit)s

-- name: send_answer
-- An answer to an ask that is open and has none yet. Of two at the same moment one finds it answered: its row is locked, and checked
-- again in its newest version. Sent again after its answer was lost, it finds itself.
with found as materialized (
    select e.id, e.status, e.owner, e.queue, e.priority, e.recoveries
    from durable.execution e
    where e.public_id = %(public_id)s::uuid and e.status in ('pending', 'running', 'waiting') for no key update
), answered as (
    update durable.open_wait w set answer = %(answer)s::uuid from found f
    where w.execution_id = f.id and w.path = %(path)s and w.label = %(label)s and w.kind = 'ask' and w.answer is null
    returning w.execution_id
), signalled as (
    update durable.execution e
    set signal = e.signal + 1, status = case when e.status = 'waiting' then 'pending' else e.status end
    from answered a where e.id = a.execution_id
    returning e.id
), sent as (
    insert into durable.request (execution_id, kind, payload) select id, 'answer', %(payload)s from signalled
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select f.id, f.queue, -f.priority, f.recoveries >= %(alone_from)s
    from found f join signalled s on s.id = f.id where f.owner is null
)
select exists (select from answered) or exists (
    select from durable.open_wait w join found f on f.id = w.execution_id
    where w.path = %(path)s and w.label = %(label)s and w.answer = %(answer)s::uuid
)

-- name: server_time
select now()
