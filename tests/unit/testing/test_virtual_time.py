"""The event loop on a fake clock."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import pytest

from durable_runtime.testing import FakeClock, NothingLeft, VirtualTimeLoop
from durable_runtime.testing.clock import START


def loop_of(clock: FakeClock) -> asyncio.Runner:
    return asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(clock))


def test_sleeps_move_the_clock_and_end_in_the_order_of_their_length() -> None:
    clock, ended = FakeClock(), []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append((seconds, clock.now() - START))

    async def main() -> None:
        await asyncio.gather(*(sleep(seconds) for seconds in (3.0, 0.1, 86_400 * 400, 0)))

    with loop_of(clock) as runner:
        runner.run(main())
    assert ended == [
        (0, timedelta()),
        (0.1, timedelta(milliseconds=100)),
        (3.0, timedelta(seconds=3)),
        (86_400 * 400, timedelta(days=400)),
    ]


def test_many_fractions_add_up() -> None:
    clock = FakeClock()

    async def main() -> None:
        for _ in range(1000):
            await asyncio.sleep(0.1)

    with loop_of(clock) as runner:
        runner.run(main())
    assert clock.now() - START == timedelta(seconds=100)


def test_a_clock_that_is_moved_by_hand_makes_timers_due() -> None:
    clock = FakeClock()

    async def main() -> None:
        sleeping = asyncio.ensure_future(asyncio.sleep(10))
        await asyncio.sleep(0)
        clock.advance(timedelta(seconds=60))
        await sleeping

    with loop_of(clock) as runner:
        runner.run(main())
    assert clock.now() - START == timedelta(seconds=60)


def test_functions_for_threads_are_called_on_the_spot() -> None:
    async def main() -> list[str]:
        called: list[str] = []
        future = asyncio.get_running_loop().run_in_executor(None, called.append, "at once")
        assert called == ["at once"]
        await future
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 / 0)
        return called

    with loop_of(FakeClock()) as runner:
        assert runner.run(main()) == ["at once"]


def test_waiting_for_what_never_comes_is_an_error_and_no_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with loop_of(FakeClock()) as runner, pytest.raises(NothingLeft):
        runner.run(main())


def test_an_open_socket_is_waited_for() -> None:
    """A timeout that would be jumped over must not cut off an answer that is under way."""

    async def main() -> bytes:
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here)
        there.sendall(b"answer")
        async with asyncio.timeout(30):
            answer = await reader.readexactly(6)
        writer.close()
        there.close()
        return answer

    with loop_of(FakeClock()) as runner:
        assert runner.run(main()) == b"answer"
