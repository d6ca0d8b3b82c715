-- The tables of the engine. Hot tables have bigint keys (a random key costs half the throughput), no foreign keys (each is a lookup
-- and a row lock per insert) and no triggers. User values are json, never jsonb: jsonb reorders keys and turns 1e16 into an integer.

create table durable.definition (
    id          bigint generated always as identity primary key,
    workflow    text not null,
    version     text not null,                      -- content hash of the graph
    label       text,                               -- the author's `version`, for people
    graph       json not null,
    created_at  timestamptz not null default now(),
    unique (workflow, version)
);

-- The status is the truth; only the owner writes it, but for making an execution without an owner claimable. Everyone else stores a
-- request and adds 1 to `signal`. Updated at claim, suspend, finish and by signals only: fillfactor keeps these updates on the page. Vacuumed
-- after 2 % of it changed: by default dead rows gather up to a fifth of all executions there ever were.
create table durable.execution (
    id             bigint generated always as identity primary key,
    public_id      uuid not null unique,
    definition_id  bigint not null,
    workflow       text not null,
    status         text not null default 'pending',
    paused         boolean not null default false,
    queue          text not null default 'default',
    priority       integer not null default 0,
    owner          bigint,                             -- worker.id; ids are never used twice
    signal         integer not null default 0,         -- requests ever sent; suspending and finishing apply only if all were seen
    recoveries     integer not null default 0,         -- takeovers in a row without a new checkpoint
    recovered_seq  integer not null default 0,         -- the last checkpoint at the last takeover
    key            text,                               -- the caller's own name for it, unique within its workflow
    headers        json,                               -- texts by name that travel with it: a tenant, the caller's trace
    input          json,
    output         json,
    error          json,
    created_at     timestamptz not null default now(),
    scheduled_at   timestamptz,
    started_at     timestamptz,
    finished_at    timestamptz,
    parent         bigint,                             -- the execution that started this one; null for one that a client started
    parent_id      uuid,                               -- its public id
    parent_path    text,                               -- the instance of the parent's node that started it
    root           bigint,                             -- the first of its line; null for one that a client started
    depth          integer not null default 0,         -- how many executions stand above it
    attached       boolean not null default false,     -- its parent's end, cancel and pause reach it
    awaited        boolean not null default false      -- its parent waits for its end and is told of it
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create index execution_by_workflow on durable.execution (workflow, id);
create unique index execution_by_key on durable.execution (workflow, key) where key is not null;
create index execution_owned on durable.execution (owner) where owner is not null;
create index execution_pending on durable.execution (id) where status = 'pending';
create index execution_by_parent on durable.execution (parent, id) where parent is not null;
create index execution_by_root on durable.execution (root) where root is not null;

-- Bursts of starts with one key of which one execution comes: the last one of each workflow and key. Its row is the lock by which calls
-- with one key come one after the other. One whose time is over is forgotten by a later burst.
create table durable.burst (
    workflow      text not null,
    key           text not null,
    execution_id  bigint,
    first_at      timestamptz not null,
    due_at        timestamptz not null,                -- when the execution begins, if nobody calls again
    call          uuid not null,                       -- the last call, whose answer may have been lost
    primary key (workflow, key)
);
create index burst_by_due_at on durable.burst (due_at);

-- A hint that an execution can be claimed: only a claim deletes from it, everybody else inserts. A row too many is harmless, because the
-- claim looks at the status; a row too few is found by a sweep. `rank` is minus the priority, so that one ascending index serves.
create table durable.ready (
    id            bigint generated always as identity,
    execution_id  bigint not null,
    queue         text not null,
    rank          integer not null,
    alone         boolean not null default false,      -- recovered too often: claimed by a worker that runs nothing else
    primary key (queue, alone, rank, id)
);

-- History, audit and state in one: append-only, never updated. Folding an execution's rows in order gives its state.
create table durable.checkpoint (
    execution_id  bigint not null,
    seq           integer not null,
    path          text not null,
    kind          text not null,
    attempt       integer not null default 1,
    result        json,
    error         json,
    due_at        timestamptz,
    started_at    timestamptz,
    finished_at   timestamptz not null,
    primary key (execution_id, seq)
);

-- What an execution's checkpoints up to one of them lead to, so that a claim reads that and those after it. A cache: whoever cannot read
-- a snapshot reads all checkpoints. Only where some of these are gone (`pruned`) nothing can take its place. Short executions have none.
create table durable.snapshot (
    execution_id  bigint not null,
    seq           integer not null,                   -- the last checkpoint that is in it
    format        text not null,                      -- of the release that wrote it
    version       text not null,                      -- content hash of the graph
    state         json not null,
    pruned        boolean not null default false,
    primary key (execution_id, seq)
);

-- What a suspended execution waits for by time. Rows exist while it is suspended; a claim deletes them.
create table durable.wait (
    id            bigint generated always as identity primary key,
    execution_id  bigint not null,
    path          text not null,
    kind          text not null,                      -- time: a wait, a retry, a turn, a deadline; start: not before; defer: no worker knows its call
    due_at        timestamptz not null
);
create index wait_by_execution on durable.wait (execution_id);
create index wait_by_due_at on durable.wait (due_at);

-- What an execution waits for from outside: who is asked, and where events go. From the commit that opens a wait to the one that
-- closes it, suspended or not.
create table durable.open_wait (
    execution_id  bigint not null,
    path          text not null,
    label         text not null,                      -- in a wait for several things; else ''
    kind          text not null,                      -- ask, event
    name          text,                               -- of the event
    key           text,
    detail        json not null,                      -- as the wait stored it: prompt, assignees, choices ...
    opened_at     timestamptz not null,
    due_at        timestamptz,
    answer        uuid,                               -- the answer in the inbox; there is no second
    primary key (execution_id, path, label)
);
create index open_wait_by_key on durable.open_wait (name, key) where key is not null;

-- Events for everyone who waits for their name and key, in the transaction of whoever sent them. The router turns each into requests to
-- those whose wait is open; a wait that opens later looks here, so they are kept for a while.
create table durable.event (
    id       bigint generated always as identity primary key,
    name     text not null,
    key      text not null,
    payload  json,
    sent_by  uuid unique,                              -- one sending by a client, which may be stored twice by nobody
    sent_at  timestamptz not null default clock_timestamp(),
    routed   boolean not null default false,
    xid      xid8 not null default pg_current_xact_id()   -- of the transaction that stored it
);
create index event_by_key on durable.event (name, key, id);
create index event_unrouted on durable.event (id) where not routed;
create index event_by_sent_at on durable.event (sent_at);

-- How long events of a name are kept, where that is not seven days.
create table durable.event_keeping (
    name  text primary key,
    keep  interval not null
);

-- The inbox of an execution. The owner deletes a request in the statement that stores what it came to. What an execution sends to
-- another is stored with the sender's checkpoint and not `routed` yet: it counts from when the router has raised the other's signal.
create table durable.request (
    id            bigint generated always as identity primary key,
    execution_id  bigint not null,
    kind          text not null,
    payload       json,
    event_id      bigint,                             -- of a broadcast event, whose payload is not copied
    routed        boolean not null default true,
    created_at    timestamptz not null default now()
);
create index request_by_event on durable.request (event_id) where event_id is not null;
create index request_by_execution on durable.request (execution_id);
create index request_unrouted on durable.request (id) where not routed;

-- Values that executions show by name, with the checkpoint that says so; the newest of a name counts.
create table durable.value (
    execution_id  bigint not null,
    name          text not null,
    seq           integer not null,
    path          text not null,
    value         json not null,
    at            timestamptz not null,
    primary key (execution_id, name, seq)
);

-- What attempts write into streams of their execution, in order. An attempt that is made once more after a crash comes by the same
-- positions: what stands there stays.
create table durable.stream (
    id            bigint generated always as identity,
    execution_id  bigint not null,
    name          text not null,
    path          text not null,
    since         integer not null,                    -- the checkpoint by which the execution was last retried
    attempt       integer not null,
    again         integer not null,                    -- the attempt of a call in the step's function
    number        integer not null,
    value         json not null,
    at            timestamptz not null,
    primary key (execution_id, name, id)
);
create unique index stream_by_position on durable.stream (execution_id, path, name, since, attempt, again, number);

create table durable.worker (
    id          bigint generated always as identity primary key,
    name        text not null,
    host        text not null,
    pid         integer not null,
    queues      json not null,
    started_at  timestamptz not null default now(),
    expires_at  timestamptz not null,                  -- the lease, on this server's clock
    loop_lag    real not null default 0                -- seconds by which the worker's event loop was late at its last heartbeat
) with (fillfactor = 50);

-- The fence, in another row than the heartbeat: every write of an owner takes its lane's row for share with the epoch it knows.
create table durable.lane (
    worker_id  bigint not null,
    lane       integer not null,
    epoch      integer not null default 1,
    primary key (worker_id, lane)
);

create table durable.log (
    id            bigint generated always as identity primary key,
    execution_id  bigint not null,
    path          text not null,
    attempt       integer not null default 1,
    level         text not null default 'info',
    message       text not null,
    at            timestamptz not null
);
create index log_by_execution on durable.log (execution_id, id);

-- What attempts that run said last of how far they are. Each row is written again and again, in place.
create table durable.progress (
    execution_id  bigint not null,
    path          text not null,
    attempt       integer not null,
    progress      json not null,
    at            timestamptz not null,
    primary key (execution_id, path)
) with (fillfactor = 50);
