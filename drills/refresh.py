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

from accounts.auth.sessions.services import open_session
from accounts.auth.tokens import TokenPair
from accounts.models import User
from accounts.users.administration import set_password, update_user
from drills.cluster import NODE_NAMES, Cluster, cluster
from drills.http import Connection, Response
from drills.report import Progress, print_table, print_verdict
from drills.users import SignedInUser, create_user
from events.models import Event

FAMILY_COUNT, CONCURRENT_USES = 10, 50
RETRY_AFTER, REUSE_AFTER = 5.0, 11.0
REFRESH_PATH, ME_PATH = "/api/v1/auth/refresh/", "/api/v1/me/"
OLD_SIGNING_KEY, NEW_SIGNING_KEY = "drill-signing-key-old-" + "o" * 32, "drill-signing-key-new-" + "n" * 32


@dataclass(slots=True)
class TokenFamily:
    first: TokenPair
    successors: set[str] = field(default_factory=set)
    access_tokens: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    async def wait_until(self, seconds: float) -> None:
        """Wait until so long after the first use."""
        await asyncio.sleep(max(0.0, self.began + seconds - time.monotonic()))

    def record(self, answers: Iterable[Response]) -> None:
        for answer in answers:
            self.statuses[answer.status] += 1
            if answer.status == 200:
                body = answer.json()
                self.successors.add(body["refresh"])
                self.access_tokens.append(body["access"])


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": OLD_SIGNING_KEY}
    with cluster(folder, JWT_SIGNING_KEY=OLD_SIGNING_KEY) as processes:
        people = [create_user(name) for name in ("Rhea", "Ruth", "Rolf", "Root")]
        User.objects.filter(pk=people[3].user.pk).update(role=User.Role.ADMIN)
        promises = uvloop.run(_drill(processes, people))
    return print_verdict("refresh", promises)


async def _drill(processes: Cluster, people: list[SignedInUser]) -> dict[str, bool]:
    progress = Progress()
    rhea, ruth, rolf, root = people
    promises = await _check_concurrent_refresh(processes, rhea.user, progress)
    promises |= await _check_revocations(
        processes, ruth.user, await asyncio.to_thread(_admin_token, root.user), progress
    )
    promises |= await _check_key_rotation(processes, rolf.user, progress)
    return promises


def _admin_token(user: User) -> User:
    user.refresh_from_db()
    return user


async def _check_concurrent_refresh(processes: Cluster, user: User, progress: Progress) -> dict[str, bool]:
    firsts, families = [await _open_session(user) for _ in range(FAMILY_COUNT)], []
    for first in firsts:
        families.append(one := TokenFamily(first))
        one.record(
            await asyncio.gather(*(_refresh(processes, one.first.refresh, number) for number in range(CONCURRENT_USES)))
        )
    progress.print_line(
        f"{FAMILY_COUNT} x {CONCURRENT_USES} refreshes: {sum((one.statuses for one in families), Counter())}"
    )
    for one in families:
        await one.wait_until(RETRY_AFTER)
        one.record(await asyncio.gather(*(_refresh(processes, one.first.refresh, number) for number in range(3))))
    sizes = [len(one.successors) for one in families]
    answered = sum((one.statuses for one in families), Counter())
    accepted = [await _use_tokens(processes, one.access_tokens) for one in families]
    progress.print_line(f"{RETRY_AFTER:.0f} s later: {sizes} successors, {answered}")
    dead = await _check_reuse_detection(processes, families, progress)
    reused = await asyncio.to_thread(
        Event.objects.filter(name="session.refresh_token_reused", subject_id=user.pk).count
    )
    return {
        f"one successor of {CONCURRENT_USES}, and of a retry": sizes == [1] * FAMILY_COUNT,
        "each of them answered": set(answered) == {200},
        "their access tokens are good": all(set(one) == {200} for one in accepted),
        f"reuse after {REUSE_AFTER:.0f} s ends the family: 0 of {dead.total()} uses accepted": set(dead) == {401},
        "each family's end is one fact": reused == FAMILY_COUNT,
    }


async def _check_reuse_detection(processes: Cluster, families: list[TokenFamily], progress: Progress) -> Counter[int]:
    """Use a replaced token again, at all nodes at once; then all that the family has, through all that Redis can do."""
    found = Counter[int]()
    events: tuple[Callable[[Cluster], Awaitable[None]], ...] = (_no_fault, _flush_redis, _restart_redis)
    for number, one in enumerate(families):
        await one.wait_until(RETRY_AFTER + REUSE_AFTER)
        stolen = await asyncio.gather(*(_refresh(processes, one.first.refresh, node) for node in range(9)))
        found += Counter(answer.status for answer in stolen)
        await events[number % len(events)](processes)
        found += await _use_tokens(processes, [*one.access_tokens[:4], one.first.access])
        late = [await _refresh(processes, token, node) for token in one.successors for node in range(len(NODE_NAMES))]
        found += Counter(answer.status for answer in late)
    progress.print_line(f"reused: {found}")
    return found


async def _check_revocations(processes: Cluster, user: User, admin: User, progress: Progress) -> dict[str, bool]:
    """Each of these holds on every node with the next request."""
    rows, promises = [("what", "before", "after")], {}
    for words, act, expected in REVOCATIONS:
        kept, lost = await _open_session(user), await _open_session(user)
        before = await _use_tokens(processes, [kept.access, lost.access])
        await act(processes, user, admin, kept)
        after = await _use_tokens(processes, [lost.access])
        promises[f"{words} holds at once"] = set(before) == {200} and set(after) == {expected}
        rows.append((words, str(dict(before)), str(dict(after))))
        progress.print_line(f"{words}: {dict(after)}")
    print_table(rows)
    return promises


async def _log_out_others(processes: Cluster, _user: User, _admin: User, kept: TokenPair) -> None:
    answer = await _node_connection(processes, 0, kept.access).send("POST", "/api/v1/auth/logout-others/")
    if answer.status != 204 or set(await _use_tokens(processes, [kept.access])) != {200}:
        raise RuntimeError(f"the caller's own session did not stay: {answer}")


async def _log_out_everywhere(processes: Cluster, _user: User, _admin: User, kept: TokenPair) -> None:
    await _node_connection(processes, 1, kept.access).send("POST", "/api/v1/auth/logout-all/")


async def _change_role(processes: Cluster, user: User, admin: User, kept: TokenPair) -> None:
    """The next answer of each node names the new role; it is remembered nowhere."""
    await _update_user(admin, user, role="staff")
    answers = [
        await _node_connection(processes, number, kept.access).send("GET", ME_PATH) for number in range(len(NODE_NAMES))
    ]
    if [answer.json()["role"] for answer in answers] != ["staff"] * len(NODE_NAMES):
        raise RuntimeError("a node still knows the old role")


async def _change_password(_parts: Cluster, user: User, admin: User, _kept: TokenPair) -> None:
    new = "nine quiet lanterns"
    await asyncio.to_thread(lambda: set_password(actor=admin, user_id=user.pk, password=new, now=timezone.now()))


async def _deactivate(_parts: Cluster, user: User, admin: User, _kept: TokenPair) -> None:
    await _update_user(admin, user, is_active=False)


async def _update_user(admin: User, user: User, **changes: object) -> None:
    await asyncio.to_thread(lambda: update_user(actor=admin, user_id=user.pk, changes=changes, now=timezone.now()))


REVOCATIONS = (
    ("the role", _change_role, 200),
    ("signing out all others", _log_out_others, 401),
    ("signing out everywhere", _log_out_everywhere, 401),
    ("a new password", _change_password, 401),
    ("deactivation", _deactivate, 401),
)


async def _check_key_rotation(processes: Cluster, user: User, progress: Progress) -> dict[str, bool]:
    """Believe the new key everywhere, then sign with it everywhere, node by node, while tokens are used and renewed."""
    pairs, found = [await _open_session(user) for _ in range(6)], Counter[int]()
    for signing, previous in ((OLD_SIGNING_KEY, NEW_SIGNING_KEY), (NEW_SIGNING_KEY, OLD_SIGNING_KEY)):
        for name in NODE_NAMES:
            await asyncio.to_thread(_restart_node, processes, name, signing, previous)
            pairs, answered = await _refresh_all(processes, pairs)
            found += answered
    progress.print_line(f"new key: {found}")
    return {f"a new key signs nobody out: {found.total()} uses": set(found) == {200}}


def _restart_node(processes: Cluster, name: str, signing: str, previous: str) -> None:
    processes.stop(name, signal.SIGTERM)
    processes.environment |= {"JWT_SIGNING_KEY": signing, "JWT_PREVIOUS_KEYS": previous}
    processes.start(name)
    processes.wait_for(name)


async def _refresh_all(processes: Cluster, pairs: list[TokenPair]) -> tuple[list[TokenPair], Counter[int]]:
    """Use each pair at each node, and let one node after the other renew it."""
    found, renewed = await _use_tokens(processes, [pair.access for pair in pairs]), []
    for number, pair in enumerate(pairs):
        answer = await _refresh(processes, pair.refresh, number)
        found[answer.status] += 1
        body = answer.json()
        renewed.append(TokenPair(body["access"], body["refresh"]) if answer.status == 200 else pair)
    return renewed, found + await _use_tokens(processes, [pair.access for pair in renewed])


async def _open_session(user: User) -> TokenPair:
    def sign_in() -> TokenPair:
        return open_session(user=User.objects.get(pk=user.pk), now=timezone.now())

    return await asyncio.to_thread(sign_in)


async def _refresh(processes: Cluster, token: str, number: int) -> Response:
    return await _node_connection(processes, number).send("POST", REFRESH_PATH, {"refresh": token})


async def _use_tokens(processes: Cluster, tokens: list[str]) -> Counter[int]:
    """Use each token at each node."""
    found = Counter[int]()
    for token in tokens:
        for number in range(len(NODE_NAMES)):
            found[(await _node_connection(processes, number, token).send("GET", ME_PATH)).status] += 1
    return found


def _node_connection(processes: Cluster, number: int, token: str = "") -> Connection:
    """As nginx would pass it on; from anywhere, since those without a good token are limited by address."""
    address = ".".join(str(random.randint(1, 250)) for _ in range(4))
    return Connection(processes.socket(NODE_NAMES[number % len(NODE_NAMES)]), token, **{"X-Forwarded-For": address})


async def _no_fault(_parts: Cluster) -> None:
    return


async def _flush_redis(processes: Cluster) -> None:
    processes.redis("FLUSHALL")


async def _restart_redis(processes: Cluster) -> None:
    await asyncio.to_thread(processes.stop, "redis")
    await asyncio.to_thread(processes.start, "redis")
