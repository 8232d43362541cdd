"""Refresh token rotation: one successor, reuse detection, revocations, a new signing key.

One refresh token used fifty times at once over three nodes has one successor, also for a retry within the grace period;
reuse after it ends the session. Revocations hold on every node from the next request on, while Redis is flushed and
killed. A new signing key, deployed node by node, logs out no user.
"""

from __future__ import annotations

import asyncio
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

from accounts.auth.sessions.services import TokenPair, issue_tokens, open_session
from accounts.models import User
from accounts.users.administration import set_password, update_user
from drills.cluster import NODE_NAMES, Cluster, cluster, node_connection
from drills.faults import flush_redis, no_fault, restart_redis
from drills.http import Connection, Response
from drills.report import Check, Progress, print_table, print_verdict
from drills.users import SignedInUser, create_user
from events.models import Event

FAMILY_COUNT, CONCURRENT_USES = 10, 50
RETRY_AFTER, REUSE_AFTER = 5.0, 11.0
REFRESH_PATH, ME_PATH = "/api/v1/auth/refresh/", "/api/v1/me/"
OLD_SIGNING_KEY, NEW_SIGNING_KEY = "drill-signing-key-old-" + "o" * 32, "drill-signing-key-new-" + "n" * 32


@dataclass(slots=True)
class TokenFamily:
    """A refresh token, and what its uses returned."""

    first: TokenPair
    successors: set[str] = field(default_factory=set)
    access_tokens: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)

    async def wait_until(self, seconds: float) -> None:
        """Wait until `seconds` after the first use."""
        await asyncio.sleep(max(0.0, self.started + seconds - time.monotonic()))

    def record(self, responses: Iterable[Response]) -> None:
        for response in responses:
            self.statuses[response.status] += 1
            if response.status == 200:
                body = response.json()
                self.successors.add(body["refresh"])
                self.access_tokens.append(body["access"])


def run(folder: Path) -> int:
    call_command("migrate", verbosity=0)
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": OLD_SIGNING_KEY}
    with cluster(folder, JWT_SIGNING_KEY=OLD_SIGNING_KEY) as processes:
        users = [create_user(name) for name in ("Rhea", "Ruth", "Rolf", "Root")]
        User.objects.filter(pk=users[3].user.pk).update(role=User.Role.ADMIN)
        users[3].user.refresh_from_db()
        checks = uvloop.run(_drill(processes, users))
    return print_verdict("refresh", checks)


async def _drill(processes: Cluster, users: list[SignedInUser]) -> list[Check]:
    progress = Progress()
    rhea, ruth, rolf, admin = users
    return [
        *await _check_concurrent_refresh(processes, rhea.user, progress),
        *await _check_revocations(processes, ruth.user, admin.user, progress),
        *await _check_key_rotation(processes, rolf.user, progress),
    ]


async def _check_concurrent_refresh(processes: Cluster, user: User, progress: Progress) -> list[Check]:
    pairs, families = [await _open_session(user) for _ in range(FAMILY_COUNT)], []
    for pair in pairs:
        families.append(family := TokenFamily(pair))
        uses = (_refresh(processes, pair.refresh, number) for number in range(CONCURRENT_USES))
        family.record(await asyncio.gather(*uses))
    statuses = sum((family.statuses for family in families), Counter())
    progress.print_line(f"{FAMILY_COUNT} x {CONCURRENT_USES} concurrent refreshes: statuses {dict(statuses)}")
    for family in families:
        await family.wait_until(RETRY_AFTER)
        retries = (_refresh(processes, family.first.refresh, number) for number in range(3))
        family.record(await asyncio.gather(*retries))
    successor_counts = [len(family.successors) for family in families]
    statuses = sum((family.statuses for family in families), Counter())
    access_statuses = [await _use_tokens(processes, family.access_tokens) for family in families]
    progress.print_line(f"retries after {RETRY_AFTER:.0f} s: {successor_counts} successors, statuses {dict(statuses)}")
    reused = await _check_reuse_detection(processes, families, progress)
    events = await asyncio.to_thread(
        Event.objects.filter(name="session.refresh_token_reused", subject_id=user.pk).count
    )
    rejected_access = sum(counter.total() - counter[200] for counter in access_statuses)
    return [
        Check(
            f"{max(successor_counts)} successors of one token in {CONCURRENT_USES} uses and the retries",
            "1",
            successor_counts == [1] * FAMILY_COUNT,
        ),
        Check(f"{statuses.total() - statuses[200]} of {statuses.total()} uses not 200", "0", set(statuses) == {200}),
        Check(f"{rejected_access} access tokens rejected", "0", rejected_access == 0),
        Check(
            f"{reused.total() - reused[401]} of {reused.total()} uses accepted after reuse", "0", set(reused) == {401}
        ),
        Check(f"{events} events of reuse", f"{FAMILY_COUNT}", events == FAMILY_COUNT),
    ]


async def _check_reuse_detection(processes: Cluster, families: list[TokenFamily], progress: Progress) -> Counter[int]:
    """Reuse each family's first token, then use all its tokens after a fault of Redis. Returns the statuses."""
    statuses = Counter[int]()
    faults: tuple[Callable[[Cluster], Awaitable[None]], ...] = (no_fault, flush_redis, restart_redis)
    for number, family in enumerate(families):
        await family.wait_until(RETRY_AFTER + REUSE_AFTER)
        reuses = await asyncio.gather(*(_refresh(processes, family.first.refresh, node) for node in range(9)))
        statuses += Counter(response.status for response in reuses)
        await faults[number % len(faults)](processes)
        statuses += await _use_tokens(processes, [*family.access_tokens[:4], family.first.access])
        for token in family.successors:
            for node in range(len(NODE_NAMES)):
                statuses[(await _refresh(processes, token, node)).status] += 1
    progress.print_line(f"after reuse: statuses {dict(statuses)}")
    return statuses


async def _check_revocations(processes: Cluster, user: User, admin: User, progress: Progress) -> list[Check]:
    """Check that each change takes effect on every node with the next request."""
    rows, checks = [("change", "statuses before", "statuses after")], []
    for name, revoke, expected in REVOCATIONS:
        current, other = await _open_session(user), await _open_session(user)
        before = await _use_tokens(processes, [current.access, other.access])
        await revoke(processes, user, admin, current)
        after = await _use_tokens(processes, [other.access])
        checks.append(
            Check(f"{name}: status {sorted(after)}", f"{expected}", set(before) == {200} and set(after) == {expected})
        )
        rows.append((name, str(dict(before)), str(dict(after))))
        progress.print_line(f"{name}: statuses {dict(after)}")
    print_table(rows)
    return checks


async def _log_out_others(processes: Cluster, _user: User, _admin: User, current: TokenPair) -> None:
    response = await _node_connection(processes, 0, current.access).send("POST", "/api/v1/auth/logout-others/")
    if response.status != 204 or set(await _use_tokens(processes, [current.access])) != {200}:
        raise RuntimeError(f"the caller's own session was ended too: {response}")


async def _log_out_everywhere(processes: Cluster, _user: User, _admin: User, current: TokenPair) -> None:
    await _node_connection(processes, 1, current.access).send("POST", "/api/v1/auth/logout-all/")


async def _change_role(processes: Cluster, user: User, admin: User, current: TokenPair) -> None:
    """Change the role, and check that no node has cached the old one."""
    await _update_user(admin, user, role="staff")
    for number in range(len(NODE_NAMES)):
        response = await _node_connection(processes, number, current.access).send("GET", ME_PATH)
        if response.json()["role"] != "staff":
            raise RuntimeError(f"{NODE_NAMES[number]} has the old role")


async def _change_password(_processes: Cluster, user: User, admin: User, _current: TokenPair) -> None:
    new = "nine quiet lanterns"
    await asyncio.to_thread(lambda: set_password(actor=admin, user_id=user.pk, password=new, now=timezone.now()))


async def _deactivate(_processes: Cluster, user: User, admin: User, _current: TokenPair) -> None:
    await _update_user(admin, user, is_active=False)


async def _update_user(admin: User, user: User, **changes: object) -> None:
    await asyncio.to_thread(lambda: update_user(actor=admin, user_id=user.pk, changes=changes, now=timezone.now()))


REVOCATIONS = (
    ("role change", _change_role, 200),
    ("logout of other sessions", _log_out_others, 401),
    ("logout of all sessions", _log_out_everywhere, 401),
    ("password change", _change_password, 401),
    ("deactivation", _deactivate, 401),
)


async def _check_key_rotation(processes: Cluster, user: User, progress: Progress) -> list[Check]:
    """Deploy a new signing key node by node, first for verification and then for signing.

    Tokens are used and refreshed after each step.
    """
    pairs, statuses = [await _open_session(user) for _ in range(6)], Counter[int]()
    for signing, previous in ((OLD_SIGNING_KEY, NEW_SIGNING_KEY), (NEW_SIGNING_KEY, OLD_SIGNING_KEY)):
        for name in NODE_NAMES:
            await asyncio.to_thread(_restart_node, processes, name, signing, previous)
            pairs, step_statuses = await _refresh_all(processes, pairs)
            statuses += step_statuses
    progress.print_line(f"new signing key: statuses {dict(statuses)}")
    failed = statuses.total() - statuses[200]
    return [Check(f"{failed} of {statuses.total()} uses failed with a new signing key", "0", set(statuses) == {200})]


def _restart_node(processes: Cluster, name: str, signing: str, previous: str) -> None:
    processes.stop(name, signal.SIGTERM)
    processes.environment |= {"JWT_SIGNING_KEY": signing, "JWT_PREVIOUS_KEYS": previous}
    processes.start(name)
    processes.wait_for(name)


async def _refresh_all(processes: Cluster, pairs: list[TokenPair]) -> tuple[list[TokenPair], Counter[int]]:
    """Use each pair on all nodes, refresh it on one, and use the new pair."""
    statuses, refreshed = await _use_tokens(processes, [pair.access for pair in pairs]), []
    for number, pair in enumerate(pairs):
        response = await _refresh(processes, pair.refresh, number)
        statuses[response.status] += 1
        body = response.json()
        refreshed.append(TokenPair(body["access"], body["refresh"]) if response.status == 200 else pair)
    return refreshed, statuses + await _use_tokens(processes, [pair.access for pair in refreshed])


async def _open_session(user: User) -> TokenPair:
    return await asyncio.to_thread(
        lambda: issue_tokens(
            open_session(user=User.objects.get(pk=user.pk), now=timezone.now())
        )  # the user may have changed
    )


async def _refresh(processes: Cluster, token: str, number: int) -> Response:
    return await _node_connection(processes, number).send("POST", REFRESH_PATH, {"refresh": token})


async def _use_tokens(processes: Cluster, tokens: list[str]) -> Counter[int]:
    """Use each access token on each node and return the statuses."""
    statuses = Counter[int]()
    for token in tokens:
        for number in range(len(NODE_NAMES)):
            statuses[(await _node_connection(processes, number, token).send("GET", ME_PATH)).status] += 1
    return statuses


def _node_connection(processes: Cluster, number: int, token: str = "") -> Connection:
    return node_connection(processes, NODE_NAMES[number % len(NODE_NAMES)], token)
