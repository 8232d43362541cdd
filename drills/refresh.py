"""One refresh token used fifty times at once over three nodes has one successor; used later, it ends its session.

A retry within the grace gets the same successor. What ends a session holds on every node from the next request on,
whatever happens to Redis; and a new signing key, brought in node by node, signs nobody out.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from accounts.services import open_session, set_password, update_person
from accounts.tokens import Pair
from drills.cluster import NODES, Cluster, cluster
from drills.http import Answer, Connection
from drills.people import Person, person
from drills.report import Progress, table, verdict
from events.models import Event

FAMILIES, USES = 10, 50
WITHIN, AFTER = 5.0, 11.0
REFRESH, ME = "/api/v1/auth/refresh/", "/api/v1/me/"
OLD, NEW = "drill-signing-key-old-" + "o" * 32, "drill-signing-key-new-" + "n" * 32


@dataclass(slots=True)
class Family:
    first: Pair
    successors: set[str] = field(default_factory=set)
    accesses: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    async def wait_until(self, seconds: float) -> None:
        """Wait until so long after the first use."""
        await asyncio.sleep(max(0.0, self.began + seconds - time.monotonic()))

    def take(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            self.statuses[answer.status] += 1
            if answer.status == 200:
                body = answer.json()
                self.successors.add(body["refresh"])
                self.accesses.append(body["access"])


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": OLD}
    with cluster(folder, JWT_SIGNING_KEY=OLD) as parts:
        people = [person(name) for name in ("Rhea", "Ruth", "Rolf", "Root")]
        User.objects.filter(pk=people[3].user.pk).update(role=User.Role.ADMIN)
        promises = uvloop.run(_drill(parts, people))
    return verdict("refresh", promises)


async def _drill(parts: Cluster, people: list[Person]) -> dict[str, bool]:
    progress = Progress()
    rhea, ruth, rolf, root = people
    promises = await _race(parts, rhea.user, progress)
    promises |= await _endings(parts, ruth.user, await asyncio.to_thread(_admin, root.user), progress)
    promises |= await _new_key(parts, rolf.user, progress)
    return promises


def _admin(user: User) -> User:
    user.refresh_from_db()
    return user


async def _race(parts: Cluster, user: User, progress: Progress) -> dict[str, bool]:
    firsts, families = [await _open(user) for _ in range(FAMILIES)], []
    for first in firsts:
        families.append(one := Family(first))
        one.take(await asyncio.gather(*(_refresh(parts, one.first.refresh, number) for number in range(USES))))
    progress.say(f"{FAMILIES} x {USES} refreshes: {sum((one.statuses for one in families), Counter())}")
    for one in families:
        await one.wait_until(WITHIN)
        one.take(await asyncio.gather(*(_refresh(parts, one.first.refresh, number) for number in range(3))))
    sizes = [len(one.successors) for one in families]
    answered = sum((one.statuses for one in families), Counter())
    accepted = [await _uses(parts, one.accesses) for one in families]
    progress.say(f"{WITHIN:.0f} s later: {sizes} successors, {answered}")
    dead = await _reuse(parts, families, progress)
    reused = await asyncio.to_thread(Event.objects.filter(name="session.reused", subject_id=user.pk).count)
    return {
        f"one successor of {USES}, and of a retry": sizes == [1] * FAMILIES,
        "each of them answered": set(answered) == {200},
        "their access tokens are good": all(set(one) == {200} for one in accepted),
        f"reuse after {AFTER:.0f} s ends the family: 0 of {dead.total()} uses accepted": set(dead) == {401},
        "each family's end is one fact": reused == FAMILIES,
    }


async def _reuse(parts: Cluster, families: list[Family], progress: Progress) -> Counter[int]:
    """Use a replaced token again, at all nodes at once; then all that the family has, through all that Redis can do."""
    found = Counter[int]()
    events: tuple[Callable[[Cluster], Awaitable[None]], ...] = (_nothing, _flush, _kill_and_start)
    for number, one in enumerate(families):
        await one.wait_until(WITHIN + AFTER)
        stolen = await asyncio.gather(*(_refresh(parts, one.first.refresh, node) for node in range(9)))
        found += Counter(answer.status for answer in stolen)
        await events[number % len(events)](parts)
        found += await _uses(parts, [*one.accesses[:4], one.first.access])
        late = [await _refresh(parts, token, node) for token in one.successors for node in range(len(NODES))]
        found += Counter(answer.status for answer in late)
    progress.say(f"reused: {found}")
    return found


async def _endings(parts: Cluster, user: User, admin: User, progress: Progress) -> dict[str, bool]:
    """Each of these holds on every node with the next request."""
    rows, promises = [("what", "before", "after")], {}
    for words, act, expected in ENDINGS:
        kept, lost = await _open(user), await _open(user)
        before = await _uses(parts, [kept.access, lost.access])
        await act(parts, user, admin, kept)
        after = await _uses(parts, [lost.access])
        promises[f"{words} holds at once"] = set(before) == {200} and set(after) == {expected}
        rows.append((words, str(dict(before)), str(dict(after))))
        progress.say(f"{words}: {dict(after)}")
    table(rows)
    return promises


async def _others(parts: Cluster, _user: User, _admin: User, kept: Pair) -> None:
    answer = await _node(parts, 0, kept.access).send("POST", "/api/v1/auth/logout-others/")
    if answer.status != 204 or set(await _uses(parts, [kept.access])) != {200}:
        raise RuntimeError(f"the caller's own session did not stay: {answer}")


async def _everywhere(parts: Cluster, _user: User, _admin: User, kept: Pair) -> None:
    await _node(parts, 1, kept.access).send("POST", "/api/v1/auth/logout-all/")


async def _role(parts: Cluster, user: User, admin: User, kept: Pair) -> None:
    """The next answer of each node names the new role; it is remembered nowhere."""
    await _change(admin, user, role="staff")
    answers = [await _node(parts, number, kept.access).send("GET", ME) for number in range(len(NODES))]
    if [answer.json()["role"] for answer in answers] != ["staff"] * len(NODES):
        raise RuntimeError("a node still knows the old role")


async def _password(_parts: Cluster, user: User, admin: User, _kept: Pair) -> None:
    new = "nine quiet lanterns"
    await asyncio.to_thread(lambda: set_password(actor=admin, person_id=user.pk, password=new, now=timezone.now()))


async def _deactivate(_parts: Cluster, user: User, admin: User, _kept: Pair) -> None:
    await _change(admin, user, is_active=False)


async def _change(admin: User, user: User, **changes: object) -> None:
    await asyncio.to_thread(lambda: update_person(actor=admin, person_id=user.pk, changes=changes, now=timezone.now()))


ENDINGS = (
    ("the role", _role, 200),
    ("signing out all others", _others, 401),
    ("signing out everywhere", _everywhere, 401),
    ("a new password", _password, 401),
    ("deactivation", _deactivate, 401),
)


async def _new_key(parts: Cluster, user: User, progress: Progress) -> dict[str, bool]:
    """Believe the new key everywhere, then sign with it everywhere, node by node, while tokens are used and renewed."""
    pairs, found = [await _open(user) for _ in range(6)], Counter[int]()
    for signing, previous in ((OLD, NEW), (NEW, OLD)):
        for name in NODES:
            await asyncio.to_thread(_restart, parts, name, signing, previous)
            pairs, answered = await _renewed(parts, pairs)
            found += answered
    progress.say(f"new key: {found}")
    return {f"a new key signs nobody out: {found.total()} uses": set(found) == {200}}


def _restart(parts: Cluster, name: str, signing: str, previous: str) -> None:
    parts.stop(name, signal.SIGTERM)
    parts.environment |= {"JWT_SIGNING_KEY": signing, "JWT_PREVIOUS_KEYS": previous}
    parts.start(name)
    parts.wait_for(name)


async def _renewed(parts: Cluster, pairs: list[Pair]) -> tuple[list[Pair], Counter[int]]:
    """Use each pair at each node, and let one node after the other renew it."""
    found, renewed = await _uses(parts, [pair.access for pair in pairs]), []
    for number, pair in enumerate(pairs):
        answer = await _refresh(parts, pair.refresh, number)
        found[answer.status] += 1
        body = answer.json()
        renewed.append(Pair(body["access"], body["refresh"]) if answer.status == 200 else pair)
    return renewed, found + await _uses(parts, [pair.access for pair in renewed])


async def _open(user: User) -> Pair:
    def sign_in() -> Pair:
        return open_session(user=User.objects.get(pk=user.pk), now=timezone.now())

    return await asyncio.to_thread(sign_in)


async def _refresh(parts: Cluster, token: str, number: int) -> Answer:
    return await _node(parts, number).send("POST", REFRESH, {"refresh": token})


async def _uses(parts: Cluster, tokens: list[str]) -> Counter[int]:
    """Use each token at each node."""
    found = Counter[int]()
    for token in tokens:
        for number in range(len(NODES)):
            found[(await _node(parts, number, token).send("GET", ME)).status] += 1
    return found


def _node(parts: Cluster, number: int, token: str = "") -> Connection:
    """As nginx would pass it on; from anywhere, since those without a good token are limited by address."""
    address = ".".join(str(random.randint(1, 250)) for _ in range(4))
    return Connection(parts.socket(NODES[number % len(NODES)]), token, **{"X-Forwarded-For": address})


async def _nothing(_parts: Cluster) -> None:
    return


async def _flush(parts: Cluster) -> None:
    parts.redis("FLUSHALL")


async def _kill_and_start(parts: Cluster) -> None:
    await asyncio.to_thread(parts.stop, "redis")
    await asyncio.to_thread(parts.start, "redis")
