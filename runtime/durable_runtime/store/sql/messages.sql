-- name: latest_definitions
-- What children of these names run.
select distinct on (workflow) workflow, id from durable.definition where workflow = any(%(workflows)s) order by workflow, id desc

-- name: newest_definitions
-- What new executions run: the newest definition of each workflow, those that were stored last first.
select max(id) from durable.definition group by workflow order by 1 desc limit %(limit)s

-- name: start_children
-- Executions that an execution starts, in the transaction of its checkpoint; one that is stored already, or whose key is taken, is
-- left as it is. The headers are the parent's.
with started as (
    insert into durable.execution
        (public_id, definition_id, workflow, queue, priority, input, key, headers, parent, parent_id, parent_path, root, depth,
         attached, awaited)
    select c.public_id::uuid, c.definition_id, c.workflow, c.queue, c.priority, c.input, c.key,
           p.headers, p.id, p.public_id, c.path, coalesce(p.root, p.id), p.depth + 1, c.attached > 0, c.awaited > 0
    from unnest(
        %(public_ids)s::text[], %(definition_ids)s::bigint[], %(workflows)s::text[], %(queues)s::text[], %(priorities)s::int[],
        %(inputs)s::json[], %(keys)s::text[], %(parents)s::bigint[], %(paths)s::text[], %(attached)s::int[], %(awaited)s::int[]
    ) with ordinality c(public_id, definition_id, workflow, queue, priority, input, key, parent, path, attached, awaited, number)
    join durable.execution p on p.id = c.parent
    order by c.number
    on conflict do nothing
    returning id, queue, priority
)
insert into durable.ready (execution_id, queue, rank) select id, queue, -priority from started order by id

-- name: attach
-- What becomes of children with a key: whoever has the key stands for them. A `start` is told who that is. One that is waited for and is
-- not our own is asked to tell of its end; but not if it is above us, where it would wait for itself.
with recursive wanted as materialized (
    select * from unnest(
        %(public_ids)s::text[], %(workflows)s::text[], %(keys)s::text[], %(parents)s::bigint[], %(paths)s::text[], %(awaited)s::int[]
    ) w(call, workflow, key, parent, path, awaited)
    where w.key is not null
), line as (
    select w.call, e.id, e.parent from wanted w join durable.execution e on e.id = w.parent
    union all
    select l.call, e.id, e.parent from line l join durable.execution e on e.id = l.parent
), holder as materialized (
    select w.call, w.path, w.parent, w.awaited > 0 as awaited, e.id, e.public_id,
           exists (select from line l where l.call = w.call and l.id = e.id) as above
    from wanted w join durable.execution e on e.workflow = w.workflow and e.key = w.key
)
insert into durable.request (execution_id, kind, payload, routed)
select h.parent, 'child',
       json_build_object('id', h.public_id, 'call', h.call, 'path', h.path, 'status', 'started', 'output', null, 'error', null), false
from holder h where not h.awaited
union all
select h.parent, 'child',
       json_build_object('id', h.public_id, 'call', h.call, 'path', h.path, 'status', 'refused', 'output', null, 'error', json_build_object(
           'type', 'KeyCycle', 'message', 'the execution with this key is above this one, so it would wait for itself', 'data', null,
           'node', null, 'attempt', 1)), false
from holder h where h.awaited and h.above
union all
select h.id, 'join', json_build_object('to', p.public_id, 'call', h.call, 'path', h.path), false
from holder h join durable.execution p on p.id = h.parent where h.awaited and not h.above and h.public_id::text <> h.call

-- name: send
-- Requests from executions to others, in the transaction of the sender's checkpoint; the router makes them count. `to_family` are
-- requests to all of a sender's attached children that have not ended.
insert into durable.request (execution_id, kind, payload, routed)
select target, kind, payload, false
from (
    select e.id as target, s.kind, s.payload, s.number
    from unnest(%(targets)s::text[], %(kinds)s::text[], %(payloads)s::json[], %(numbers)s::int[]) s(target, kind, payload, number)
    join durable.execution e on e.public_id = s.target::uuid
    union all
    select e.id, s.kind, s.payload, s.number
    from unnest(
        %(family_of)s::bigint[], %(family_kinds)s::text[], %(family_payloads)s::json[], %(family_numbers)s::int[]
    ) s(parent, kind, payload, number)
    join durable.execution e on e.parent = s.parent and e.attached and e.status in ('pending', 'running', 'waiting')
) sent
order by number, target

-- name: route
-- Makes requests count that executions sent to others: raises the signal of their targets and makes those claimable that nobody owns.
-- What was sent to an execution that has ended by now is gone; only who asks to be told of its end is answered. A target whose row is locked, by its owner's commit or by a stranger, is
-- left to the next look, and so is what was sent to it later: what one execution sends to another arrives in its order. An event that nobody has spread becomes a request to everyone who waits for it, to be routed next. As the row is locked here, whoever suspends or ends it meanwhile comes before or after: its guard sees the
-- signal, or this sees its new status. Targets and waits are looked up one by one, which no plan can turn into reading all that is parked.
with free as materialized (
    select r.id as request_id, r.kind, r.payload, e.id, e.public_id, e.status, e.owner, e.queue, e.priority, e.recoveries,
           case when r.kind = 'join' then e.output end as output, case when r.kind = 'join' then e.error end as error
    from durable.request r, lateral (
        select e.* from durable.execution e where e.id = r.execution_id for no key update skip locked
    ) e
    where not r.routed order by r.id limit %(limit)s
    for update of r skip locked
), chosen as materialized (
    select * from free f where not exists (
        select from durable.request r
        where r.execution_id = f.id and not r.routed and r.id < f.request_id and r.id not in (select request_id from free)
    )
), target as materialized (
    select distinct id, status, owner, queue, priority, recoveries from chosen where status in ('pending', 'running', 'waiting')
), marked as (
    update durable.request r set routed = true from chosen c join target t on t.id = c.id where r.id = c.request_id
), dropped as (
    delete from durable.request r using chosen c
    where r.id = c.request_id and c.status not in ('pending', 'running', 'waiting')
), answered as (
    insert into durable.request (execution_id, kind, payload, routed)
    select p.id, 'child',
           json_build_object('id', c.public_id, 'call', c.payload -> 'call', 'path', c.payload -> 'path', 'status', c.status,
                             'output', c.output, 'error', c.error), false
    from chosen c join durable.execution p on p.public_id = (c.payload ->> 'to')::uuid
    where c.kind = 'join' and c.status not in ('pending', 'running', 'waiting')
    returning id
), spread as materialized (
    select v.id, v.name, v.key from durable.event v where not v.routed order by v.id limit %(limit)s for update skip locked
), posted as (
    insert into durable.request (execution_id, kind, event_id, routed)
    select execution_id, 'event', id, false
    from (
        select distinct w.execution_id, s.id
        from spread s, lateral (select w.execution_id from durable.open_wait w where w.name = s.name and w.key = s.key offset 0) w
    ) p
    order by id, execution_id
    returning id
), gone_by as (
    update durable.event v set routed = true from spread s where v.id = s.id
), signalled as (
    update durable.execution e
    set signal = e.signal + 1, status = case when e.status = 'waiting' then 'pending' else e.status end,
        paused = coalesce((
            select c.kind = 'pause' from chosen c
            where c.id = e.id and c.kind in ('pause', 'resume', 'cancel') order by c.request_id desc limit 1
        ), e.paused)
    where e.id = any(array(select id from target))
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select id, queue, -priority, recoveries >= %(alone_from)s from target where owner is null order by id
)
select
    (select count(*) from chosen) + (select count(*) from spread), (select count(*) from answered) + (select count(*) from posted), t.id, t.owner from (select 1) one left join target t on true order by t.id

-- name: emit
-- Events that steps send by key, in the transaction of their checkpoints.
insert into durable.event (name, key, payload)
select name, key, payload
from unnest(%(names)s::text[], %(keys)s::text[], %(payloads)s::json[]) with ordinality v(name, key, payload, number) order by number

-- name: publish
insert into durable.value (execution_id, name, seq, path, value, at)
select * from unnest(
    %(execution_ids)s::bigint[], %(names)s::text[], %(seqs)s::int[], %(paths)s::text[], %(published)s::json[], %(ats)s::timestamptz[]
)

-- name: write_streams
insert into durable.stream (execution_id, name, path, since, attempt, again, number, value, at)
select execution_id, name, path, since, attempt, again, number, value, at
from unnest(
    %(execution_ids)s::bigint[], %(names)s::text[], %(paths)s::text[], %(sinces)s::int[], %(attempts)s::int[], %(agains)s::int[],
    %(numbers)s::int[], %(written)s::json[], %(ats)s::timestamptz[]
) with ordinality w(execution_id, name, path, since, attempt, again, number, value, at, place)
order by place
on conflict do nothing

-- name: find_events
-- What keyed waits look for once they can be found themselves: events since their execution was started that it does not know. In a
-- snapshot of its own, so that of a wait and an event whoever is stored second sees the other.
select x.execution_id, v.id, v.name, v.key, v.payload::text, v.xid::text::bigint
from unnest(%(execution_ids)s::bigint[], %(names)s::text[], %(keys)s::text[], %(befores)s::bigint[], %(uptos)s::bigint[])
    x(execution_id, name, key, before, upto)
join durable.execution e on e.id = x.execution_id
join durable.event v on v.name = x.name and v.key = x.key and v.sent_at >= e.created_at
where not (v.id <= x.upto and v.xid::text::bigint < x.before) and not exists (
    select from unnest(%(knowing)s::bigint[], %(known)s::bigint[]) k(execution_id, id)
    where k.execution_id = x.execution_id and k.id = v.id
)
order by x.execution_id, v.id

-- name: settle_events
-- Before a look: what of the events of a name and a key can never come again once that look has given them. All transactions before
-- `before` have ended, so the look sees what they stored. `gone` are known ids of these, and of events that are not kept any more.
with seen as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as before)
select before::text::bigint,
    coalesce((select max(v.id) from durable.event v where v.name = %(name)s and v.key = %(key)s and v.xid < before), 0),
    array(
        select k.id from unnest(%(known)s::bigint[]) k(id) left join durable.event v on v.id = k.id
        where v.id is null or (v.name = %(name)s and v.key = %(key)s and v.xid < before)
    )
from seen

-- name: drop_events
-- Events whose time is over, in batches; not one that lies in an inbox.
with expired as (
    select v.id from durable.event v left join durable.event_keeping k on k.name = v.name
    where v.sent_at < now() - coalesce(k.keep, interval '7 days') and v.routed
      and v.sent_at < now() - least(interval '7 days', (select min(keep) from durable.event_keeping))
      and not exists (select from durable.request r where r.event_id = v.id)
    order by v.sent_at limit %(limit)s
    for update of v skip locked
), gone as (
    delete from durable.event v using expired x where v.id = x.id returning v.id
)
select count(*) from gone
