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
-- What was sent to an execution that has ended by now is gone. A target whose row is locked, by its owner's commit or by a stranger, is
-- left to the next look. As the row is locked here, whoever suspends or ends it meanwhile comes before or after: its guard sees the
-- signal, or this sees its new status.
with chosen as materialized (
    select r.id as request_id, r.kind, e.id, e.status, e.owner, e.queue, e.priority, e.recoveries
    from durable.request r join durable.execution e on e.id = r.execution_id
    where not r.routed order by r.id limit %(limit)s
    for update of r skip locked for no key update of e skip locked
), target as materialized (
    select distinct id, status, owner, queue, priority, recoveries from chosen where status in ('pending', 'running', 'waiting')
), marked as (
    update durable.request r set routed = true from chosen c join target t on t.id = c.id where r.id = c.request_id
), dropped as (
    delete from durable.request r using chosen c
    where r.id = c.request_id and c.status not in ('pending', 'running', 'waiting')
), signalled as (
    update durable.execution e
    set signal = e.signal + 1, status = case when e.status = 'waiting' then 'pending' else e.status end,
        paused = coalesce((
            select c.kind = 'pause' from chosen c
            where c.id = e.id and c.kind in ('pause', 'resume', 'cancel') order by c.request_id desc limit 1
        ), e.paused)
    from target t where e.id = t.id
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select id, queue, -priority, recoveries >= %(alone_from)s from target where owner is null order by id
)
select (select count(*) from chosen), t.id, t.owner from (select 1) one left join target t on true order by t.id
