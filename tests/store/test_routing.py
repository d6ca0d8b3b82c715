"""The order in which what was sent arrives."""

from __future__ import annotations

import pytest

from durable_runtime.store.protocol import Lease
from tests.faults.racing import take_out
from tests.store.building import checkpoint, goes_on
from tests.store.postgres import PostgresUnderTest
from tests.store.test_messages import begin, kinds_to, nudge, sends

IN_ORDER = """ where not exists (
        select from durable.request r
        where r.execution_id = f.id and not r.routed and r.id < f.request_id"""
IN_ORDER += " and r.id not in (select request_id from free)\n    )"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "guard taken out"])
async def test_what_was_sent_later_does_not_overtake_what_is_held_up(
    postgres: PostgresUnderTest, guarded: bool
) -> None:
    if not guarded:
        take_out(postgres.worker, "route", IN_ORDER)
    lease, (sender, target) = await begin(postgres, 1, 2)
    for seq in (1, 2):
        await postgres.worker.commit(lease, 0, [sends(goes_on(sender.key, checkpoint(seq)), nudge(2, b"%d" % seq))])
    async with postgres._connected() as stranger, stranger.transaction():
        # Somebody has the first of them for a moment; the target itself is free.
        await stranger.execute("select from durable.request order by id limit 1 for update")
        routed = await postgres.worker.route()
        assert routed.requests == (0 if guarded else 1)
        assert await kinds_to(postgres, target.key) == ([] if guarded else ["nudge"])
    await routes_the_rest(postgres, lease, target.key)


async def routes_the_rest(postgres: PostgresUnderTest, lease: Lease, key: int) -> None:
    assert (await postgres.worker.route()).owned == {key: lease.worker_id}
    inbox = (await postgres.worker.read_inboxes([key]))[key]
    assert [payload for _id, _kind, payload in inbox.requests] == [1, 2]
