-- name: register
-- A worker takes a new id, never a name, and a fence row for each lane.
with registered as (
    insert into durable.worker (name, host, pid, queues, expires_at)
    values (%(name)s, %(host)s, %(pid)s, %(queues)s, now() + %(lease)s)
    returning id
), lanes as (
    insert into durable.lane (worker_id, lane) select id, lane from registered, generate_series(0, %(lanes)s - 1) lane
)
select id from registered

-- name: heartbeat
-- Renews the lease on the server's clock. No row: the worker was taken over.
update durable.worker set expires_at = now() + %(lease)s, loop_lag = %(loop_lag)s
where id = %(worker_id)s
returning now()

-- name: unregister
-- Leaves in good order: the executions go back first, in a statement of its own.
with gone as (delete from durable.worker where id = %(worker_id)s returning id)
delete from durable.lane where worker_id in (select id from gone)

-- name: claim
-- Takes executions for this worker, fenced. Both rows are locked with SKIP LOCKED: neither another claim nor a stranger's transaction
-- on one execution holds this one up. A hint whose execution is not pending any more is deleted and gives nothing. The queue is given
-- as a range of the key: before statistics exist, an equality is believed to leave a handful, and all of a long queue would be sorted.
-- The end is one comparison too: each further one is believed to leave a third, and of a short queue all would be joined and sorted.
-- The status is hidden from the index of what is pending, which is believed to be short and would be read whole.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
), taken as materialized (
    select r.queue, r.alone, r.rank, r.id, r.execution_id, e.started_at is null as fresh
    from durable.ready r join durable.execution e on e.id = r.execution_id, fence
    where (r.queue, r.alone, r.rank, r.id) > (%(queue)s, %(alone)s, %(rank)s, %(after)s)
      and (r.queue, r.alone) <= (%(queue)s, %(alone)s)
    order by r.queue, r.alone, r.rank, r.id limit %(limit)s
    for update of r skip locked for no key update of e skip locked
), gone as (
    delete from durable.ready r using taken t
    where r.queue = t.queue and r.alone = t.alone and r.rank = t.rank and r.id = t.id
), claimed as (
    update durable.execution e
    set status = 'running', owner = %(worker_id)s, started_at = coalesce(e.started_at, now())
    from (select execution_id, bool_and(fresh) as fresh, min(rank) as rank, min(id) as ready_id from taken group by execution_id) t
    where e.id = t.execution_id and e.status || '' = 'pending'
    returning e.*, t.fresh, t.ready_id
), cleared as (
    delete from durable.wait w using claimed c where w.execution_id = c.id and (not c.fresh or c.scheduled_at is not null)
)
select
    (select count(*) from fence) as fenced,
    t.rank, t.id as ready_id,
    c.id, c.public_id::text, c.definition_id, c.workflow, c.queue, c.signal, c.recoveries, c.input::text,
    c.created_at, c.scheduled_at, c.started_at, c.fresh, c.parent_id::text, c.parent_path, c.depth, c.awaited
from (select 1) one left join taken t on true left join claimed c on c.id = t.execution_id and c.ready_id = t.id
order by t.rank, t.id

-- name: count_ready
-- How many executions a claim would find in a queue, as far as anybody wants to know.
select count(*) from (
    select from durable.ready r
    where (r.queue, r.alone, r.rank, r.id) > (%(queue)s, false, %(rank)s, %(after)s) and (r.queue, r.alone) <= (%(queue)s, false)
    order by r.queue, r.alone, r.rank, r.id limit %(limit)s
) r

-- name: claim_one
-- Takes executions by their ids, and those of their families, for a worker that was started for them. The hint stays; a claim that
-- finds it later drops it.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
), taken as materialized (
    select e.id, e.started_at is null as fresh from durable.execution e, fence
    where (e.public_id = any(%(ids)s::uuid[])
           or e.root in (select f.id from durable.execution f where f.public_id = any(%(ids)s::uuid[])))
      and e.status = 'pending'
    order by e.id limit %(limit)s
    for no key update of e skip locked
), claimed as (
    update durable.execution e
    set status = 'running', owner = %(worker_id)s, started_at = coalesce(e.started_at, now())
    from taken t where e.id = t.id
    returning e.*, t.fresh
), cleared as (
    delete from durable.wait w using claimed c where w.execution_id = c.id and (not c.fresh or c.scheduled_at is not null)
)
select
    (select count(*) from fence) as fenced,
    0 as rank, 0::bigint as ready_id,
    c.id, c.public_id::text, c.definition_id, c.workflow, c.queue, c.signal, c.recoveries, c.input::text,
    c.created_at, c.scheduled_at, c.started_at, c.fresh, c.parent_id::text, c.parent_path, c.depth, c.awaited
from (select 1) one left join claimed c on true

-- name: load_checkpoints
-- What a fold needs, of many executions at once.
select execution_id, seq, path, kind, attempt, result::text, error::text, due_at, started_at, finished_at
from durable.checkpoint where execution_id = any(%(ids)s) order by execution_id, seq

-- name: load_histories
-- The same, but of an execution with snapshots the newest one, in the first of its rows, and what came after it. Of what has failed
-- and is to be retried all that is left, and the oldest snapshot if something is gone. The range of the key is given as one, from its beginning: an equality is believed to leave
-- what it left when the table was last analyzed, perhaps all of it, and then all of it is read.
with asked as (
    select i.id, s.*
    from unnest(%(ids)s::bigint[]) i(id) left join lateral (
        select s.seq, s.format, s.version, s.state, s.pruned, case when r.is_retried then 0 else s.seq end as after
        from durable.snapshot s, lateral (
            select exists (select from durable.request r where r.execution_id = i.id and r.kind = 'retry') as is_retried
        ) r
        where s.execution_id = i.id and (s.pruned or not r.is_retried)
        order by case when r.is_retried then -s.seq else s.seq end desc limit 1
    ) s on true
)
select id as execution_id, seq, format as path, 'snapshot' as kind, pruned::int as attempt, state::text as result, version as error,
       null::timestamptz as due_at, null::timestamptz as started_at, null::timestamptz as finished_at, 0 as place
from asked where seq is not null
union all
select a.id, c.seq, c.path, c.kind, c.attempt, c.result::text, c.error::text, c.due_at, c.started_at, c.finished_at, c.seq as place
from asked a, lateral (
    select * from durable.checkpoint c
    where (c.execution_id, c.seq) > (a.id, coalesce(a.after, 0)) and c.execution_id between a.id and a.id offset 0
) c
order by execution_id, place

-- name: prune_turns
-- Turns that had ended before a snapshot, which from now on nothing can take the place of: from the beginning of their loop to the
-- turn `first`. Only if that snapshot is there.
with given as materialized (
    select g.execution_id, g.keeps, g.path, g.since, k.seq as upto
    from unnest(
        %(execution_ids)s::bigint[], %(keeps)s::int[], %(paths)s::text[], %(sinces)s::int[], %(firsts)s::int[]
    ) g(execution_id, keeps, path, since, first)
    join durable.snapshot s on s.execution_id = g.execution_id and s.seq = g.keeps, lateral (
        select c.seq from durable.checkpoint c
        where c.execution_id = g.execution_id and c.seq > g.since and c.seq <= g.keeps and c.path = g.path and c.kind = 'turned'
          and c.result::text = g.first::text
        order by c.seq desc limit 1
    ) k
), marked as (
    update durable.snapshot s set pruned = true from given g where s.execution_id = g.execution_id and s.seq = g.keeps
)
delete from durable.checkpoint c using given g
where c.execution_id = g.execution_id and c.seq > g.since and c.seq < g.upto
  and ((c.path = g.path and c.kind in ('turned', 'waiting', 'answered')) or starts_with(c.path, g.path || '#')
       or c.path in (g.path || '/while', g.path || '/until'))
  and not exists (
      select from unnest(%(sparing)s::bigint[], %(spared)s::int[]) p(execution_id, seq)
      where p.execution_id = c.execution_id and p.seq = c.seq
  )

-- name: write_snapshots
-- Snapshots, with the commit of their last checkpoint; of those before only the one that is kept stays.
with given as (
    select * from unnest(
        %(execution_ids)s::bigint[], %(keeps)s::int[], %(seqs)s::int[], %(formats)s::text[], %(versions)s::text[], %(states)s::json[],
        %(pruned)s::int[]
    ) g(execution_id, keeps, seq, format, version, state, pruned)
), gone as (
    delete from durable.snapshot s using given g where s.execution_id = g.execution_id and s.seq not in (g.keeps, g.seq)
)
insert into durable.snapshot (execution_id, seq, format, version, state, pruned)
select execution_id, seq, format, version, state, pruned > 0 from given where state is not null
on conflict (execution_id, seq) do update
set format = excluded.format, version = excluded.version, state = excluded.state, pruned = excluded.pruned

-- name: collect
-- The checkpoints that may hold an item's result: those one level below the foreach, the last of each item counting. `prefix` is the
-- path of the foreach and an opening bracket, so that what follows it is `3]/price` for a node of the item's own list. All of them
-- came after the checkpoint `since`, which entered it.
select c.path, c.kind, c.result::text, c.error::text
from durable.checkpoint c, lateral (select substr(c.path, length(%(prefix)s) + 1) as rest) r
where c.execution_id = %(execution_id)s and c.seq > %(since)s and starts_with(c.path, %(prefix)s)
  and c.kind in ('completed', 'collected', 'skipped', 'failed', 'ignored', 'timed_out')
  and strpos(substr(r.rest, strpos(r.rest, '/') + 1), '/') = 0
order by c.seq

-- name: append
-- Checkpoints of executions that go on running: the fence is the only guard they need.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
), appended as (
    insert into durable.checkpoint
        (execution_id, seq, path, kind, attempt, result, error, due_at, started_at, finished_at)
    select c.* from fence, unnest(
        %(execution_ids)s::bigint[], %(seqs)s::int[], %(paths)s::text[], %(kinds)s::text[], %(attempts)s::int[], %(results)s::json[],
        %(errors)s::json[], %(due_ats)s::timestamptz[], %(started_ats)s::timestamptz[], %(finished_ats)s::timestamptz[]
    ) c
)
select count(*) from fence

-- name: append_one
-- The same for a single checkpoint, which is what an execution of one step after the other commits: a third less work for the server
-- than columns of one row each.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
), appended as (
    insert into durable.checkpoint
        (execution_id, seq, path, kind, attempt, result, error, due_at, started_at, finished_at)
    select
        %(execution_id)s::bigint, %(seq)s::int, %(path)s::text, %(kind)s::text, %(attempt)s::int, %(result)s::json,
        %(error)s::json, %(due_at)s::timestamptz, %(started_at)s::timestamptz, %(finished_at)s::timestamptz
    from fence
)
select count(*) from fence

-- name: hold_fence
-- Takes the fence, or fails with a message that names the reason, so that what follows in the same flush is skipped, COMMIT too.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
)
select case when count(*) > 0 then 1 else ('the lease is lost: ' || count(*))::int end from fence

-- name: append_and_move
-- The same with executions that suspend or finish. These are locked and looked at: one that met a request is refused and writes
-- nothing; one whose row a stranger holds is skipped and tried in the next batch; neither holds up the rest. In `guarded` a concurrent
-- update is seen because a locked row is checked again in its newest version. Rows are looked up one by one, whatever a plan that is
-- kept for a moment believes of the tables; by their ids, for `coalesce` hides the owner from its index: where nobody owned anything when
-- statistics were gathered, that is believed to find one row, and finds all that this worker runs.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
), move as materialized (
    select * from unnest(
        %(move_ids)s::bigint[], %(seen)s::int[], %(statuses)s::text[], %(outputs)s::json[], %(move_errors)s::json[],
        %(ended_ats)s::timestamptz[]
    ) m(id, seen, status, output, error, ended_at)
), guarded as materialized (
    select m.id, m.status, m.output, m.error, m.ended_at
    from fence, (select * from move order by id) m, lateral (
        select from durable.execution e
        where e.id = m.id and coalesce(e.owner, 0) = %(worker_id)s and e.status = 'running' and e.signal = m.seen
        for no key update skip locked
    ) e
), moved as (
    update durable.execution e
    set status = g.status, owner = null, output = g.output, error = g.error, finished_at = g.ended_at,
        recoveries = case when g.status = 'waiting' then 0 else e.recoveries end
    from guarded g where e.id = g.id
), appended as (
    insert into durable.checkpoint
        (execution_id, seq, path, kind, attempt, result, error, due_at, started_at, finished_at)
    select c.* from fence, unnest(
        %(execution_ids)s::bigint[], %(seqs)s::int[], %(paths)s::text[], %(kinds)s::text[], %(attempts)s::int[], %(results)s::json[],
        %(errors)s::json[], %(due_ats)s::timestamptz[], %(started_ats)s::timestamptz[], %(finished_ats)s::timestamptz[]
    ) c(execution_id, seq, path, kind, attempt, result, error, due_at, started_at, finished_at)
    where c.execution_id not in (select id from move) or c.execution_id in (select id from guarded)
), waiting as (
    insert into durable.wait (execution_id, path, kind, due_at)
    select w.* from unnest(
        %(wait_ids)s::bigint[], %(wait_paths)s::text[], %(wait_kinds)s::text[], %(wait_due_ats)s::timestamptz[]
    ) w(execution_id, path, kind, due_at)
    where w.execution_id in (select id from guarded)
)
select
    (select count(*) from fence),
    array(select id from guarded),
    array(
        select m.id from move m left join lateral (
            select e.signal, e.owner, e.status from durable.execution e where e.id = m.id limit 1
        ) e on true
        where m.id not in (select id from guarded)
          and (e.signal is distinct from m.seen or e.owner is distinct from %(worker_id)s or e.status <> 'running')
    )

-- name: write_logs
-- Log lines of committed checkpoints and of attempts that run; sent in the same transaction as their batch.
insert into durable.log (execution_id, path, attempt, level, message, at)
select * from unnest(
    %(execution_ids)s::bigint[], %(paths)s::text[], %(attempts)s::int[], %(levels)s::text[], %(messages)s::text[],
    %(ats)s::timestamptz[]
)

-- name: told
-- Whose log has this line already: what was told was sent, and no answer came.
select x.execution_id from unnest(
    %(execution_ids)s::bigint[], %(paths)s::text[], %(attempts)s::int[], %(levels)s::text[], %(messages)s::text[],
    %(ats)s::timestamptz[]
) x(execution_id, path, attempt, level, message, at)
where exists (
    select from durable.log l
    where l.execution_id = x.execution_id and l.at = x.at and l.path = x.path and l.attempt = x.attempt and l.message = x.message
)

-- name: write_progress
-- The last word of each attempt that is under way; an attempt that is over says null, and leaves nothing.
with told as (
    select * from unnest(
        %(execution_ids)s::bigint[], %(paths)s::text[], %(attempts)s::int[], %(progresses)s::json[], %(ats)s::timestamptz[]
    ) t(execution_id, path, attempt, progress, at)
), gone as (
    delete from durable.progress p using told t
    where p.execution_id = t.execution_id and p.path = t.path and t.progress is null
)
insert into durable.progress (execution_id, path, attempt, progress, at)
select execution_id, path, attempt, progress, at from told where progress is not null
on conflict (execution_id, path) do update
set attempt = excluded.attempt, progress = excluded.progress, at = excluded.at

-- name: open_waits
-- Again and again after each claim, so that what is open is known whatever became of the rows: an execution may be a copy.
insert into durable.open_wait (execution_id, path, label, kind, name, key, detail, opened_at, due_at)
select * from unnest(
    %(execution_ids)s::bigint[], %(paths)s::text[], %(labels)s::text[], %(kinds)s::text[], %(names)s::text[], %(keys)s::text[],
    %(details)s::json[], %(opened_ats)s::timestamptz[], %(due_ats)s::timestamptz[]
)
on conflict do nothing

-- name: close_waits
delete from durable.open_wait w
using unnest(%(execution_ids)s::bigint[], %(paths)s::text[], %(labels)s::text[]) c(execution_id, path, label)
where w.execution_id = c.execution_id and w.path = c.path and w.label = c.label

-- name: drop_requests
delete from durable.request where id = any(%(ids)s)

-- name: read_requests
-- The inbox with the signal it belongs to, in one snapshot: what is not in this answer has a higher signal, or is not routed yet.
select e.id, e.signal, r.id, r.kind, case when r.event_id is null then r.payload::text
    else json_build_object('name', v.name, 'key', v.key, 'payload', v.payload, 'event', v.id, 'xid', v.xid::text::bigint)::text end
from durable.execution e left join durable.request r on r.execution_id = e.id and r.routed
    left join durable.event v on v.id = r.event_id
where e.id = any(%(ids)s) order by e.id, r.id

-- name: raise_own_epoch
-- Waits for a statement of ours whose answer never came, then makes sure that it can never come again.
update durable.lane set epoch = epoch + 1
where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s
returning epoch

-- name: raise_own_epochs
-- The same for all lanes, when a worker leaves: whatever of ours may still run ends first, and nothing of it can begin later.
update durable.lane set epoch = epoch + 1 where worker_id = %(worker_id)s returning lane, epoch

-- name: raised_epoch
-- What our epoch is when raising it found another one: only we and a takeover raise it, and a takeover deletes the row with it.
select epoch from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch > %(epoch)s

-- name: last_seqs
-- What is stored of these executions, and who holds them; read after the epoch was raised, so it cannot change behind our back.
select e.id, e.status, e.owner, coalesce((select max(seq) from durable.checkpoint c where c.execution_id = e.id), 0)
from durable.execution e where e.id = any(%(ids)s)

-- name: owned
select id from durable.execution where owner = %(worker_id)s and status = 'running' order by id

-- name: wake_due
-- Makes executions claimable whose time has come, and tells how long until the next: no time at all when there were too many for once.
-- It also tells whether there is something to route, so that an idle worker looks for both at once. What is due is looked up one by one,
-- by arrays: before statistics exist, a join with it is believed to be worth reading everything that is parked.
with due as materialized (
    select w.id, w.execution_id, w.due_at from durable.wait w join durable.execution e on e.id = w.execution_id
    where w.due_at <= now() order by w.due_at, w.id limit %(limit)s
    for update of w skip locked for no key update of e skip locked
), gone as (
    delete from durable.wait w where w.id = any(array(select id from due))
), woken as (
    update durable.execution e set status = 'pending'
    where e.id = any(array(select execution_id from due)) and e.owner is null and e.status in ('waiting', 'pending')
    returning e.id, e.queue, e.priority, e.recoveries
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select w.id, w.queue, -w.priority, w.recoveries >= %(alone_from)s
    from woken w join (select execution_id, min(due_at) as due_at from due group by execution_id) d on d.execution_id = w.id
    order by d.due_at, w.id
)
select
    (select count(*) from woken),
    case when (select count(*) from due) >= %(limit)s then 0::float8 else
        (select extract(epoch from min(w.due_at) - now())::float8 from durable.wait w where w.due_at > now())
    end,
    exists (select from durable.request r where not r.routed) or exists (select from durable.event v where not v.routed)

-- name: expired_workers
select id from durable.worker where expires_at < now() order by id

-- name: begin_takeover
-- First statement of a takeover: whoever has this row is the only one at it, and the lease cannot be renewed any more. Nothing when it
-- was renewed, when the worker is forgotten already, or when another takeover has it.
select id from durable.worker where id = %(dead_id)s and expires_at < now() for update skip locked

-- name: raise_epochs
-- Second: waits for the commit under way; after it nothing of that worker can be written.
update durable.lane set epoch = epoch + 1 where worker_id = %(dead_id)s

-- name: end_blockers
-- Ends whoever holds the fence that a takeover waits for.
select pg_terminate_backend(pid) from unnest(pg_blocking_pids(%(pid)s)) pid

-- name: end_steps
-- Ends the sessions in which steps of a dead worker stand in a transaction: as long as it is frozen they would hold what they locked. Only
-- those that this role may end. A name is cut as the server cuts it.
select pg_terminate_backend(a.pid) from pg_stat_activity a
where a.datname = current_database() and a.application_name = (%(name)s::text)::name::text and pg_has_role(a.usesysid, 'usage')

-- name: put_back
-- Third statement of a takeover, with a snapshot of its own: it sees what the last commit of the dead worker did. A row that a
-- stranger holds is left to the sweep, so that one open transaction does not hold up the recovery of the rest.
with lost as (
    select e.id, coalesce((select max(seq) from durable.checkpoint c where c.execution_id = e.id), 0) as seq
    from durable.execution e where e.owner = %(dead_id)s and e.status = 'running'
    order by e.id for no key update of e skip locked
), back as (
    update durable.execution e
    set owner = null,
        recovered_seq = l.seq,
        recoveries = case when l.seq > e.recovered_seq then 1 else e.recoveries + 1 end,
        status = case when l.seq <= e.recovered_seq and e.recoveries + 1 >= %(limit)s then 'failed' else 'pending' end,
        error = case when l.seq <= e.recovered_seq and e.recoveries + 1 >= %(limit)s then json_build_object(
            'type', 'RecoveryLimit',
            'message', 'its worker was lost ' || (e.recoveries + 1) || ' times in a row without a new checkpoint',
            'data', null, 'node', null, 'attempt', 1) end,
        finished_at = case when l.seq <= e.recovered_seq and e.recoveries + 1 >= %(limit)s then now() end
    from lost l where e.id = l.id
    returning e.id, e.public_id, e.status, e.queue, e.priority, e.recoveries, e.error, e.parent, e.parent_path, e.awaited
), closed as (
    delete from durable.open_wait w using back b where w.execution_id = b.id and b.status = 'failed'
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select id, queue, -priority, recoveries >= %(alone_from)s from back where status = 'pending' order by id
), told as (
    insert into durable.request (execution_id, kind, payload, routed)
    select b.parent, 'child',
           json_build_object('id', b.public_id, 'call', b.public_id, 'path', b.parent_path, 'status', b.status,
                             'output', null, 'error', b.error), false
    from back b where b.status = 'failed' and b.awaited
    union all
    select e.id, 'cancel', json_build_object('reason', 'its parent ' || b.public_id || ' failed', 'by', null), false
    from back b join durable.execution e on e.parent = b.id and e.attached and e.status in ('pending', 'running', 'waiting')
    where b.status = 'failed'
)
select id from back

-- name: release
-- Gives executions back in good order: not a recovery. One whose row a stranger holds is left and named, to be tried again.
with fence as materialized (
    select 1 from durable.lane where worker_id = %(worker_id)s and lane = %(lane)s and epoch = %(epoch)s for share
), free as materialized (
    select e.id from durable.execution e, fence
    where e.owner = %(worker_id)s and e.status = 'running' and e.id = any(%(ids)s)
    order by e.id for no key update of e skip locked
), back as (
    update durable.execution e set status = 'pending', owner = null
    from free f where e.id = f.id
    returning e.id, e.queue, e.priority, e.recoveries
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select id, queue, -priority, recoveries >= %(alone_from)s from back order by id
)
select
    array(select id from back),
    array(
        select e.id from durable.execution e, fence
        where e.owner = %(worker_id)s and e.status = 'running' and e.id = any(%(ids)s) and e.id not in (select id from free)
    )

-- name: forget_worker
with gone as (delete from durable.worker where id = %(dead_id)s returning id)
delete from durable.lane where worker_id in (select id from gone)

-- name: sweep_owners
-- Owners that are gone; there should be none. From one owner to the next in the index, however many executions each has.
with recursive owners as (
    (select e.owner from durable.execution e where e.owner is not null order by e.owner limit 1)
    union all
    select n.owner from owners o, lateral (
        select e.owner from durable.execution e where e.owner > o.owner order by e.owner limit 1
    ) n
)
select o.owner from owners o where not exists (select from durable.worker w where w.id = o.owner) order by o.owner

-- name: sweep_ready
-- Pending executions without a hint; there should be none. Those that are not due yet have a wait instead. Looks at so many from an id on,
-- and tells how many hints were missing and where to go on; nowhere when it came to the end.
with portion as materialized (
    select e.id, e.queue, e.priority, e.recoveries, e.created_at
    from durable.execution e
    where e.status = 'pending' and e.owner is null and e.id > %(after)s
    order by e.id limit %(limit)s
), hinted as (
    insert into durable.ready (execution_id, queue, rank, alone)
    select p.id, p.queue, -p.priority, p.recoveries >= %(alone_from)s
    from portion p
    where p.created_at < now() - interval '5 seconds'
      and not exists (select from durable.ready r where r.execution_id = p.id)
      and not exists (select from durable.wait w where w.execution_id = p.id)
    order by p.id
    returning execution_id
)
select (select count(*) from hinted), (select max(id) from portion having count(*) >= %(limit)s)

-- name: outlook
-- Whether something is left that will run by itself, for a worker that ends when there is nothing. Its own executions count too: one whose
-- claim is still on its way back is owned already and not yet known to it. What is on its way to an execution wakes it. What was deferred
-- is tried again by itself once it is due; until then it waits for a worker that can. Each question is answered by the first row of an
-- index (the orders say of which), however much is parked; what waits on other queues is passed by.
select
    exists (select from durable.request where not routed) or exists (select from durable.event where not routed) or (
        select true from durable.execution e
        where e.status = 'pending' and (%(queues)s::text[] is null or e.queue = any(%(queues)s::text[]))
        order by e.id limit 1
    ) is not null,
    (
        select true from durable.execution e
        where e.owner is not null and e.status = 'running' and (%(queues)s::text[] is null or e.queue = any(%(queues)s::text[]))
        order by e.owner limit 1
    ) is not null,
    (
        select true from durable.wait w, lateral (
            select from durable.execution e
            where e.id = w.execution_id and e.status = 'waiting' and (%(queues)s::text[] is null or e.queue = any(%(queues)s::text[]))
            limit 1
        ) e
        where w.kind <> 'defer' or w.due_at <= now() order by w.due_at limit 1
    ) is not null

-- name: outlook_of
-- The same of executions and what they started.
with family as materialized (
    select e.id, e.status from durable.execution e where e.public_id = any(%(only)s::uuid[])
    union
    select e.id, e.status from durable.execution f join durable.execution e on e.root = f.id where f.public_id = any(%(only)s::uuid[])
)
select
    exists (select from durable.request where not routed) or exists (select from durable.event where not routed)
        or exists (select from family where status = 'pending'),
    exists (select from family where status = 'running'),
    exists (
        select from family f join durable.wait w on w.execution_id = f.id
        where (w.kind <> 'defer' or w.due_at <= now()) and f.status = 'waiting'
    )

-- name: check_value
-- Whether the server can store a value; the answer's length makes it read the whole text.
select length(value::text) from unnest(%(value)s::json[]) value

-- name: look
-- Everything that a worker looks for while it has nothing to do, in one statement. Queues with work are found by jumping from one to the
-- next in the index instead of reading all hints; the other questions are answered by the first row of an index, or by none.
with recursive queues as (
    (select r.queue, r.alone from durable.ready r order by r.queue, r.alone limit 1)
    union all
    select n.queue, n.alone from queues q, lateral (
        select r.queue, r.alone from durable.ready r where (r.queue, r.alone) > (q.queue, q.alone)
        order by r.queue, r.alone limit 1
    ) n
)
select
    array(select queue from queues where not alone),
    array(select queue from queues where alone),
    (select extract(epoch from w.due_at - now())::float8 from durable.wait w order by w.due_at limit 1),
    exists (select from durable.worker where expires_at < now()),
    array(
        select distinct r.execution_id from durable.request r, lateral (
            select from durable.execution e where e.id = r.execution_id and coalesce(e.owner, 0) = %(worker_id)s limit 1
        ) e
        where r.routed
    ),
    exists (select from durable.request r where not r.routed) or exists (select from durable.event v where not v.routed),
    array(select w.queues::text from durable.worker w where w.id <> %(worker_id)s and w.expires_at >= now())
