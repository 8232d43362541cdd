"""Sign-in, registration and the request for a new password take as long for a known address as for an unknown one.

AUC is the chance that one who sees two times, one of each kind, tells them apart: 0.5 is guessing.
Each answer waits for a beat of the gateway, so several connections take turns: the processor works for one while the others
wait. Registration is measured with REQUIRE_VERIFIED_EMAIL, without which it has to say that an address is taken.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.management import call_command

from accounts.models import User
from drills.http import Answer, Connection
from drills.parts import Parts
from drills.people import PASSWORD
from drills.report import Progress, milliseconds, table, verdict
from gateway.even import BEAT

SAMPLES, CONNECTIONS, TRIES, WARM = 2000, 8, 4, 20
MOST = 0.55


@dataclass(slots=True)
class Door:
    """`known` and `unknown` are the seconds of each answer."""

    name: str
    path: str
    settings: dict[str, str] = field(default_factory=dict)
    known: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def auc(self) -> float:
        return distinguished(self.known, self.unknown)

    def answers(self, kind: str) -> set[int]:
        return {status for one, status in self.statuses if one == kind}


def run(folder: Path, samples: str = str(SAMPLES)) -> int:
    call_command("migrate", verbosity=0)
    many = int(samples) // 2
    doors = [
        Door("sign-in", "/api/v1/auth/login/"),
        Door("registration", "/api/v1/auth/register/", {"REQUIRE_VERIFIED_EMAIL": "true"}),
        Door("new password", "/_allauth/app/v1/auth/password/request"),
    ]
    common = {"TRUSTED_PROXIES": "127.0.0.1", "LOG_LEVEL": "ERROR", "TASKFLOW_VAR": str(folder / "var")}
    progress = Progress()
    for door in doors:
        rounds = [(Door(door.name, door.path), _tries(door, WARM)), (door, _tries(door, many))]
        with Parts(folder, **common, **door.settings) as parts:
            parts.start("web")
            for counted, tries in rounds:  # the first answers of a new node are not counted
                uvloop.run(_drill(("127.0.0.1", parts.port), counted, tries))
        progress.say(f"{door.name}: AUC {door.auc:.3f}")
    return _report(doors, many)


def _people(many: int) -> list[str]:
    """People who are there, without the time that registering each would take."""
    mark, hashed = secrets.token_hex(4), make_password(PASSWORD)
    people = [
        User(email=f"known-{mark}-{n}@example.com", handle=f"known-{mark}-{n}", name="Known", password=hashed)
        for n in range(many)
    ]
    User.objects.bulk_create(people)
    EmailAddress.objects.bulk_create(
        EmailAddress(user=person, email=person.email, verified=True, primary=True) for person in people
    )
    return [person.email for person in people]


def _tries(door: Door, many: int) -> list[tuple[str, str]]:
    """Each address is tried a few times only: beyond, the answer is that of the limit."""
    people, mark = _people(many // TRIES + 1), secrets.token_hex(4)
    tries = [("known", people[n // TRIES]) for n in range(many)]
    tries += [("unknown", f"unkno-{mark}-{_place(door, n)}@example.com") for n in range(many)]
    random.shuffle(tries)
    return tries


async def _drill(address: tuple[str, int], door: Door, tries: list[tuple[str, str]]) -> None:
    await asyncio.gather(*(_try(address, door, tries, n * BEAT / CONNECTIONS) for n in range(CONNECTIONS)))


def _place(door: Door, number: int) -> int:
    """An address that is registered is known from then on, so there each is new."""
    return number if door.name == "registration" else number // TRIES


async def _try(address: tuple[str, int], door: Door, tries: list[tuple[str, str]], turn: float) -> None:
    connection = Connection(address)
    await asyncio.sleep(turn)
    while tries:
        kind, email = tries.pop()
        answer = await _ask(connection, door, email)
        door.statuses[kind, answer.status] += 1
        getattr(door, kind).append(answer.seconds)
        if "server-timing" in answer.headers:
            door.statuses["told its time", answer.status] += 1


async def _ask(connection: Connection, door: Door, email: str) -> Answer:
    """As nginx would pass it on; from anywhere, since an address is limited."""
    bodies = {
        "sign-in": {"email": email, "password": "wrong but long enough"},
        "registration": {"email": email, "name": "Somebody", "password": PASSWORD},
        "new password": {"email": email},
    }
    headers = {"X-Forwarded-For": ".".join(str(random.randint(1, 250)) for _ in range(4))}
    return await connection.send("POST", door.path, bodies[door.name], headers)


def distinguished(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the area under the curve, of whichever of the two is the slower: 0.5 to 1."""
    ordered = sorted(others)
    below = sum((bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 for one in ones)
    area = below / (len(ones) * len(others))
    return max(area, 1 - area)


def _report(doors: list[Door], many: int) -> int:
    rows = [
        (
            door.name,
            f"{len(door.known)} + {len(door.unknown)}",
            f"{milliseconds(door.known, 0.5)} / {milliseconds(door.unknown, 0.5)}",
            f"{milliseconds(door.known, 0.95)} / {milliseconds(door.unknown, 0.95)}",
            f"{door.auc:.3f}",
            dict(door.statuses),
        )
        for door in doors
    ]
    table([("door", "known + unknown", "p50", "p95", "AUC", "answers"), *rows])
    return verdict(
        "timing",
        {f"{door.name} AUC {door.auc:.3f} <= {MOST}": door.auc <= MOST for door in doors}
        | {
            f"{door.name} answers {sorted(door.answers('known'))} to known, {sorted(door.answers('unknown'))} to unknown": (
                door.answers("known") == door.answers("unknown")
            )
            for door in doors
        }
        | {
            "every try was answered by the door itself": all(
                len(door.known) == len(door.unknown) == many
                and not any(status in {0, 429, 403, 500, 503} for _, status in door.statuses)
                for door in doors
            ),
            "no answer says how long it took": not any(
                kind == "told its time" for door in doors for kind, _ in door.statuses
            ),
        },
    )
