"""Commits: an outcome for each execution of a batch, and nothing written beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from durable_runtime.core.checkpoints import Checkpoint, ErrorValue
from durable_runtime.errors import LeaseLost
from durable_runtime.store.protocol import Commit, End, Outcome, StatementRefused, Stored
from tests.store.building import (
    AT,
    LEASE,
    checkpoint,
    claim,
    completes,
    get,
    goes_on,
    public_id,
    register,
    start,
    statuses,
    suspends,
)
from tests.store.stores import Leftovers, Stores

HOUR = timedelta(hours=1)


async def test_checkpoints_come_back_as_they_were_written(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    failure = ErrorValue(type="HttpError", message="503: größer", data={"status": 503}, node="pay", attempt=2)
    first = Checkpoint(
        seq=1,
        path="lines[3]/price",
        kind="retrying",
        attempt=2,
        error=failure,
        due_at=AT + HOUR,
        started_at=AT - HOUR,
        finished_at=AT,
    )
    second = checkpoint(2, "lines[3]/price", result={"b": 1e16, "a": -0.0, "n": None})
    assert await stores.worker.commit(lease, 0, [goes_on(key, first, second)]) == [Outcome.COMMITTED]
    assert await stores.client.list_checkpoints(key) == [first, second]
    assert await stores.worker.load_checkpoints([key]) == {key: [first, second]}
    assert list((await stores.client.list_checkpoints(key))[1].result) == ["b", "a", "n"]


async def test_a_text_that_was_encoded_already_is_what_is_stored(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(key, checkpoint(1, result=[1], encoded=b"[1.0]"))])
    (stored,) = await stores.client.list_checkpoints(key)
    assert repr(stored.result) == "[1.0]"


async def test_a_collected_result_is_not_stored_again(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(key, checkpoint(1, "lines", "collected", result=[1, 2]))])
    (stored,) = await stores.client.list_checkpoints(key)
    assert (stored.kind, stored.result) == ("collected", None)


async def test_checkpoints_of_many_executions_are_loaded_in_the_order_of_their_numbers(stores: Stores) -> None:
    keys = await start(stores, 1, 2, 3)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(keys[0], checkpoint(1, "a")), goes_on(keys[1], checkpoint(1, "x"))])
    await stores.worker.commit(lease, 0, [goes_on(keys[0], checkpoint(2, "b"), checkpoint(3, "c"))])
    loaded = await stores.worker.load_checkpoints(keys)
    assert {key: [one.path for one in found] for key, found in loaded.items()} == {
        keys[0]: ["a", "b", "c"],
        keys[1]: ["x"],
        keys[2]: [],
    }


async def test_an_end_sets_status_output_and_time_and_leaves_nothing_behind(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    assert await stores.worker.commit(lease, 0, [completes(key, checkpoint(1), output=b'{"z":1,"a":2}')])
    row = await get(stores, 1)
    assert (row.status, row.output, row.error, row.finished_at) == ("completed", {"z": 1, "a": 2}, None, AT)
    assert list(row.output) == ["z", "a"]
    assert await stores.worker.owned(lease) == []
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=0, requests=0)


async def test_a_failure_keeps_its_error(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    error = b'{"type":"Boom","message":"m","data":null,"node":"pay","attempt":1}'
    commit = Commit(key=key, seen=0, checkpoints=[], move=End(status="failed", at=AT, error=error))
    assert await stores.worker.commit(lease, 0, [commit]) == [Outcome.COMMITTED]
    row = await get(stores, 1)
    assert (row.status, row.output) == ("failed", None)
    assert row.error == {"type": "Boom", "message": "m", "data": None, "node": "pay", "attempt": 1}


async def test_a_suspended_execution_waits_without_an_owner(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    now = await stores.now()
    commit = suspends(key, checkpoint(1, kind="waiting"), until=[now + HOUR, now + 2 * HOUR])
    assert await stores.worker.commit(lease, 1, [commit]) == [Outcome.COMMITTED]
    row = await get(stores, 1)
    assert (row.status, row.finished_at) == ("waiting", None)
    assert await stores.worker.owned(lease) == []
    assert await stores.leftovers(key) == Leftovers(hints=0, waits=2, requests=0)


async def test_one_batch_commits_refuses_and_finds_busy_each_on_its_own(stores: Stores) -> None:
    going, refused, busy, ending, sleeping = keys = await start(stores, 1, 2, 3, 4, 5)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(2), "cancel", None)
    later = await stores.now() + HOUR
    batch = [
        goes_on(going, checkpoint(1)),
        completes(refused, checkpoint(1)),
        suspends(busy, checkpoint(1), until=[later]),
        completes(ending, checkpoint(1)),
        suspends(sleeping, checkpoint(1), until=[later]),
    ]
    async with stores.held(busy):
        assert await stores.worker.commit(lease, 0, batch) == [
            Outcome.COMMITTED,
            Outcome.REFUSED,
            Outcome.BUSY,
            Outcome.COMMITTED,
            Outcome.COMMITTED,
        ]
    assert await statuses(stores, 1, 2, 3, 4, 5) == ["running", "running", "running", "completed", "waiting"]
    loaded = await stores.worker.load_checkpoints(keys)
    assert [len(loaded[key]) for key in keys] == [1, 0, 0, 1, 1]
    assert [(await stores.leftovers(key)).waits for key in keys] == [0, 0, 0, 0, 1]
    assert await stores.worker.owned(lease) == [going, refused, busy]
    assert await stores.worker.commit(lease, 0, [batch[2]]) == [Outcome.COMMITTED]
    assert await statuses(stores, 3) == ["waiting"]


async def test_a_batch_goes_on_beside_a_row_that_a_stranger_holds(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    async with stores.held(key):
        assert await stores.worker.commit(lease, 0, [goes_on(key, checkpoint(1))]) == [Outcome.COMMITTED]


async def test_what_was_refused_is_committed_after_the_inbox_was_read(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(1), "nudge", None)
    assert await stores.worker.commit(lease, 0, [completes(key, checkpoint(1), seen=0)]) == [Outcome.REFUSED]
    seen = (await stores.worker.read_inboxes([key]))[key].signal
    assert await stores.worker.commit(lease, 0, [completes(key, checkpoint(1), seen=seen)]) == [Outcome.COMMITTED]
    assert await statuses(stores, 1) == ["completed"]


async def test_checkpoints_of_running_nodes_are_committed_though_a_request_came(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(1), "cancel", None)
    assert await stores.worker.commit(lease, 0, [goes_on(key, checkpoint(1), seen=0)]) == [Outcome.COMMITTED]
    assert len(await stores.client.list_checkpoints(key)) == 1


async def test_an_execution_that_is_not_ours_can_be_neither_ended_nor_suspended(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease, other = await register(stores), await register(stores)
    await claim(stores, lease)
    assert await stores.worker.commit(other, 0, [completes(key, checkpoint(1))]) == [Outcome.REFUSED]
    assert await stores.worker.commit(other, 0, [completes(999)]) == [Outcome.REFUSED]
    assert await statuses(stores, 1) == ["running"]
    assert await stores.client.list_checkpoints(key) == []


async def test_an_execution_ends_once(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [completes(key, output=b"1")])
    assert await stores.worker.commit(lease, 0, [completes(key, output=b"2")]) == [Outcome.REFUSED]
    assert (await get(stores, 1)).output == 1


async def test_logs_are_written_with_their_checkpoints_and_refused_with_them(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.client.send_request(public_id(2), "cancel", None)
    batch = [
        goes_on(keys[0], checkpoint(1, "greet", log="hello"), checkpoint(2, "part", log="good-bye")),
        completes(keys[1], checkpoint(1, "greet", log="unheard")),
    ]
    assert await stores.worker.commit(lease, 0, batch) == [Outcome.COMMITTED, Outcome.REFUSED]
    lines = await stores.client.list_logs(keys[0])
    assert [(line.path, line.attempt, line.level, line.message, line.at) for line in lines] == [
        ("greet", 1, "info", "hello", AT),
        ("part", 1, "info", "good-bye", AT),
    ]
    assert await stores.client.list_logs(keys[1]) == []


async def test_after_a_takeover_a_whole_batch_is_refused_as_lost(stores: Stores) -> None:
    keys = await start(stores, 1, 2)
    zombie = await register(stores)
    await claim(stores, zombie)
    await stores.let_pass(LEASE * 2)
    assert await stores.recovery.take_over_expired() == 2
    with pytest.raises(LeaseLost):
        await stores.worker.commit(zombie, 0, [goes_on(keys[0], checkpoint(1)), completes(keys[1], checkpoint(1))])
    with pytest.raises(LeaseLost):
        await stores.worker.commit(zombie, 0, [goes_on(keys[0], checkpoint(1, log="line"))])
    with pytest.raises(LeaseLost):
        await stores.worker.raise_own_epoch(zombie, 0)
    assert await stores.worker.load_checkpoints(keys) == {keys[0]: [], keys[1]: []}
    assert await stores.client.list_logs(keys[0]) == []
    assert await statuses(stores, 1, 2) == ["pending", "pending"]


async def test_after_raising_its_own_epoch_a_lane_writes_with_the_new_lease_only(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    raised = await stores.worker.raise_own_epoch(lease, 1)
    assert raised.worker_id == lease.worker_id
    with pytest.raises(LeaseLost):
        await stores.worker.commit(lease, 1, [goes_on(key, checkpoint(1))])
    assert await stores.worker.commit(lease, 0, [goes_on(key, checkpoint(1))]) == [Outcome.COMMITTED]
    assert await stores.worker.commit(raised, 1, [goes_on(key, checkpoint(2))]) == [Outcome.COMMITTED]
    assert await stores.worker.commit(raised, 0, [goes_on(key, checkpoint(3))]) == [Outcome.COMMITTED]


async def test_after_raising_all_its_epochs_a_worker_writes_with_the_new_lease_only(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    once = await stores.worker.raise_own_epoch(lease, 1)
    raised = await stores.worker.raise_own_epochs(lease)
    assert raised.epochs == (lease.epochs[0] + 1, once.epochs[1] + 1, lease.epochs[2] + 1)
    for old in (lease, once):
        for lane in (0, 1):
            with pytest.raises(LeaseLost):
                await stores.worker.commit(old, lane, [goes_on(key, checkpoint(1))])
    assert await stores.worker.commit(raised, 0, [goes_on(key, checkpoint(1))]) == [Outcome.COMMITTED]
    assert await stores.worker.release(raised, 2, [key]) == [key]
    await stores.worker.unregister(raised)
    with pytest.raises(LeaseLost):
        await stores.worker.raise_own_epochs(raised)


async def test_the_lane_of_claims_can_be_raised_too(stores: Stores) -> None:
    await start(stores, 1)
    lease = await register(stores)
    raised = await stores.worker.raise_own_epoch(lease, 2)
    with pytest.raises(LeaseLost):
        await claim(stores, lease)
    assert len(await claim(stores, raised)) == 1


async def test_what_is_stored_can_be_read_after_an_answer_was_lost(stores: Stores) -> None:
    keys = await start(stores, 1, 2, 3)
    lease, other = await register(stores), await register(stores)
    await claim(stores, lease, 2)
    await claim(stores, other)
    await stores.worker.commit(
        lease, 0, [goes_on(keys[0], checkpoint(1), checkpoint(2)), completes(keys[1], checkpoint(1))]
    )
    assert await stores.worker.read_stored(lease, [*keys, 999]) == {
        keys[0]: Stored("running", True, 2),
        keys[1]: Stored("completed", False, 1),
        keys[2]: Stored("running", False, 0),
    }


@pytest.mark.parametrize(
    "bad",
    [
        checkpoint(2, encoded=b'{"a":'),
        checkpoint(2, encoded=b"NaN"),
        checkpoint(2, encoded=b""),
        checkpoint(2, "a\x00b"),
        checkpoint(2, log="a\x00b"),
        checkpoint(1),
    ],
    ids=["cut off", "not a number", "empty", "NUL in a path", "NUL in a log line", "number taken"],
)
async def test_a_batch_with_a_row_that_cannot_be_stored_writes_nothing(stores: Stores, bad: Checkpoint) -> None:
    keys = await start(stores, 1, 2)
    lease = await register(stores)
    await claim(stores, lease)
    await stores.worker.commit(lease, 0, [goes_on(keys[0], checkpoint(1))])
    if bad.encoded is not None:
        bad = checkpoint(bad.seq, result="given", encoded=bad.encoded)
    with pytest.raises(StatementRefused):
        await stores.worker.commit(lease, 0, [completes(keys[1], checkpoint(1)), goes_on(keys[0], bad)])
    assert await statuses(stores, 1, 2) == ["running", "running"]
    loaded = await stores.worker.load_checkpoints(keys)
    assert [len(loaded[key]) for key in keys] == [1, 0]
    assert await stores.worker.commit(lease, 0, [completes(keys[1], checkpoint(1))]) == [Outcome.COMMITTED]


async def test_each_value_that_the_server_refuses_is_named(stores: Stores) -> None:
    values = [("good", b'{"a": 1}'), ("cut", b'{"a":'), ("also good", b"null"), ("no number", b"NaN")]
    found = await stores.worker.find_unstorable(values)
    assert sorted(found) == ["cut", "no number"]
    assert all(found.values())


async def test_the_items_of_a_foreach_are_collected_from_the_level_below_it(stores: Stores) -> None:
    (key,) = await start(stores, 1)
    lease = await register(stores)
    await claim(stores, lease)
    # What is stored of an error is more than what workflows see of it.
    failure = ErrorValue(type="Boom", message="m", node="lines[1]/price", names=("Exception",), not_undone=1)
    await stores.worker.commit(
        lease,
        0,
        [
            goes_on(
                key,
                checkpoint(1, "lines", "entered", result=3),
                checkpoint(2, "lines[0]/price", result=10),
                checkpoint(3, "lines[1]/price", "retrying", error=failure),
                checkpoint(4, "lines[1]/price", "failed", error=failure),
                checkpoint(5, "lines[2]/each/inner", result="too deep"),
                checkpoint(6, "lines[2]/each", "collected"),
                checkpoint(7, "lines2[0]/price", result="another foreach"),
                checkpoint(8, "lines[2]/tax", "skipped"),
            )
        ],
    )
    assert await stores.worker.collect(key, "lines") == [
        ("lines[0]/price", "completed", 10, None),
        (
            "lines[1]/price",
            "failed",
            None,
            {"type": "Boom", "message": "m", "data": None, "node": "lines[1]/price", "attempt": 1},
        ),
        ("lines[2]/each", "collected", None, None),
        ("lines[2]/tax", "skipped", None, None),
    ]
    assert await stores.worker.collect(key, "other") == []
