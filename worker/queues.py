"""What an operator does with the queues: `python -m worker.queues list | dead | replay …`.

Reads and moves messages over a connection of its own; the words for a shell are in bin/queues.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pika

from app import settings as environment
from app.settings import Settings
from worker import broker, topology
from worker.broker import BrokerGone, Link
from worker.unfinished import AT, ERROR, REASON, TRIES

_SHOWN = 20
# No more than what lay there at the beginning: what dies again while it is replayed waits.
type Got = tuple[Any, pika.BasicProperties, bytes]


class NotSo(Exception):
    """What was asked for cannot be done; one line that says why and what would."""


async def show_all(link: Link, settings: Settings) -> None:
    """Each queue: how many wait, how old the first is, how many consumers."""
    print(f"{'QUEUE':<28}{'READY':>8}{'OLDEST':>12}{'CONSUMERS':>11}")
    for queue in topology.queues(settings):
        answer = await _declared(link, queue.name)
        age = await _oldest(link, queue.name) if answer.message_count else ""
        ready, consumers = answer.message_count, answer.consumer_count
        print(f"{queue.name:<28}{ready:>8}{age:>12}{consumers:>11}")


async def show_dead(link: Link, kind: str | None) -> None:
    """The first of the dead, with their reasons; they stay where they are."""
    for one in _kinds(kind):
        count = (await _declared(link, one.dead)).message_count
        print(f"{one.dead}: {count}")
        kept = []
        async for got in _messages(link, one.dead, min(count, _SHOWN)):
            kept.append(got)
            print("  " + _line(got[1]))
        for method, _, _ in kept:
            link.give_back(method.delivery_tag)
        if count > _SHOWN:
            print(f"  … and {count - _SHOWN} more")


async def replay(link: Link, kind: str | None, job: str | None) -> None:
    """Move the dead back to where they are done, all or one, with all their tries before them.

    Each is confirmed in its queue before it leaves the dead: killed in between, it is in both, and
    the worker knows it by its id.
    """
    if kind is None:
        raise NotSo("say which kind, for example `make replay KIND=welcome_email`")
    await link.confirm_publishing()
    [one] = _kinds(kind)
    count = (await _declared(link, one.dead)).message_count
    moved = 0
    others = []
    async for method, about, body in _messages(link, one.dead, count):
        if job and about.message_id != job:
            others.append(method.delivery_tag)
            continue
        new = pika.BasicProperties(
            message_id=about.message_id,
            correlation_id=about.correlation_id,
            type=about.type,
            timestamp=about.timestamp,
            content_type=about.content_type,
            delivery_mode=pika.DeliveryMode.Persistent.value,
        )
        outcome = await link.publish(topology.EXCHANGE, kind, body, new)
        if outcome != "confirmed":
            raise NotSo(f"the broker did not take {about.message_id} ({outcome}); it stays dead")
        link.acknowledge(method.delivery_tag)
        moved += 1
    for delivery in others:
        link.give_back(delivery)
    if job and not moved:
        raise NotSo(f"no dead job {job} in {one.dead}: see `make dead KIND={kind}`")
    print(f"replayed {moved} of {count}")


async def discard(link: Link, kind: str | None, job: str | None) -> None:
    """Remove one of the dead for ever: what will never be done, however often it is tried."""
    if kind is None or job is None:
        raise NotSo("say which: `make discard KIND=welcome_email ID=…`, see `make dead`")
    [one] = _kinds(kind)
    count = (await _declared(link, one.dead)).message_count
    others = []
    found = False
    async for method, about, _ in _messages(link, one.dead, count):
        if about.message_id == job:
            link.acknowledge(method.delivery_tag)
            found = True
            break
        others.append(method.delivery_tag)
    for delivery in others:
        link.give_back(delivery)
    if not found:
        raise NotSo(f"no dead job {job} in {one.dead}: see `make dead KIND={kind}`")
    print(f"discarded {job}")


async def renew(link: Link, settings: Settings, name: str | None) -> None:
    """Delete an empty queue, so that the relay declares it with the arguments of today."""
    if name not in {queue.name for queue in topology.queues(settings)}:
        raise NotSo(f"no such queue {name}: see `make queues`")
    if count := (await _declared(link, name)).message_count:
        raise NotSo(f"{name} holds {count} messages: let them be done first, see `make queues`")
    await link.call("queue_delete", queue=name, if_unused=False)
    print(f"{name} is deleted; the relay makes it anew within a minute")


def _kinds(name: str | None) -> list[topology.Kind]:
    chosen = [kind for kind in topology.KINDS if name in {None, kind.name}]
    if not chosen:
        raise NotSo(f"no kind {name}: one of {', '.join(kind.name for kind in topology.KINDS)}")
    return chosen


async def _declared(link: Link, name: str) -> Any:
    return (await link.call("queue_declare", queue=name, passive=True)).method


async def _messages(link: Link, queue: str, most: int) -> AsyncIterator[Got]:
    for _ in range(most):
        got = await link.get(queue)
        if got is None:
            return
        yield got


async def _oldest(link: Link, queue: str) -> str:
    got = await link.get(queue)
    if got is None:
        return ""
    link.give_back(got[0].delivery_tag)
    if got[1].timestamp is None:
        return "?"
    return f"{int(datetime.now(UTC).timestamp() - got[1].timestamp)} s"


def _line(about: pika.BasicProperties) -> str:
    headers: dict[str, Any] = about.headers or {}
    # Without our reason the broker put it there: its worker died at each of many deliveries.
    reason = headers.get(REASON) or headers.get("x-first-death-reason", "?")
    error = " ".join(headers.get(ERROR, "").split())
    when, tries = headers.get(AT, ""), headers.get(TRIES, "?")
    return f"{about.message_id}  {when}  {reason} after {tries}: {error[:160]}"


async def main(words: list[str]) -> None:
    """Do what the words say."""
    settings = environment.load()
    verb, name, job = [*(word or None for word in words), None, None, None][:3]
    acts: dict[str | None, Callable[[Link], Awaitable[None]]] = {
        "list": lambda link: show_all(link, settings),
        "dead": lambda link: show_dead(link, name),
        "replay": lambda link: replay(link, name, job),
        "discard": lambda link: discard(link, name, job),
        "renew": lambda link: renew(link, settings, name),
    }
    if verb not in acts:
        raise NotSo(f"say one of {', '.join(map(str, acts))}")
    async with broker.connect(str(settings.broker_url), "operator") as link:
        await acts[verb](link)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1:]))
    except (NotSo, BrokerGone) as problem:
        sys.exit(f"sluice: {problem}")
