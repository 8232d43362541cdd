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
from drills.http import Connection, Response
from drills.processes import Processes
from drills.report import Progress, format_percentile, print_table, print_verdict
from drills.users import PASSWORD
from gateway.timing import RESPONSE_TIME_STEP

SAMPLE_COUNT, CONNECTIONS, ATTEMPTS_PER_ADDRESS, WARMUP_SAMPLES = 2000, 8, 4, 20
MAX_AUC = 0.55


@dataclass(slots=True)
class Endpoint:
    """`known` and `unknown` are the seconds of each answer."""

    name: str
    path: str
    settings: dict[str, str] = field(default_factory=dict)
    known: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def auc(self) -> float:
        return auc(self.known, self.unknown)

    def answers(self, kind: str) -> set[int]:
        return {status for one, status in self.statuses if one == kind}


def run(folder: Path, samples: str = str(SAMPLE_COUNT)) -> int:
    call_command("migrate", verbosity=0)
    many = int(samples) // 2
    endpoints = [
        Endpoint("sign-in", "/api/v1/auth/login/"),
        Endpoint("registration", "/api/v1/auth/register/", {"REQUIRE_VERIFIED_EMAIL": "true"}),
        Endpoint("new password", "/_allauth/app/v1/auth/password/request"),
    ]
    common = {"TRUSTED_PROXIES": "127.0.0.1", "LOG_LEVEL": "ERROR", "DATA_DIR": str(folder / "var")}
    progress = Progress()
    for endpoint in endpoints:
        rounds = [
            (Endpoint(endpoint.name, endpoint.path), _build_attempts(endpoint, WARMUP_SAMPLES)),
            (endpoint, _build_attempts(endpoint, many)),
        ]
        with Processes(folder, **common, **endpoint.settings) as processes:
            processes.start("web")
            for counted, tries in rounds:  # the first answers of a new node are not counted
                uvloop.run(_drill(("127.0.0.1", processes.port), counted, tries))
        progress.print_line(f"{endpoint.name}: AUC {endpoint.auc:.3f}")
    return _report(endpoints, many)


def _create_users(many: int) -> list[str]:
    """People who are there, without the time that registering each would take."""
    mark, hashed = secrets.token_hex(4), make_password(PASSWORD)
    people = [
        User(email=f"known-{mark}-{n}@example.com", handle=f"known-{mark}-{n}", name="Known", password=hashed)
        for n in range(many)
    ]
    User.objects.bulk_create(people)
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in people
    )
    return [user.email for user in people]


def _build_attempts(endpoint: Endpoint, many: int) -> list[tuple[str, str]]:
    """Each address is tried a few times only: beyond, the answer is that of the limit."""
    people, mark = _create_users(many // ATTEMPTS_PER_ADDRESS + 1), secrets.token_hex(4)
    tries = [("known", people[n // ATTEMPTS_PER_ADDRESS]) for n in range(many)]
    tries += [("unknown", f"unkno-{mark}-{_address_index(endpoint, n)}@example.com") for n in range(many)]
    random.shuffle(tries)
    return tries


async def _drill(address: tuple[str, int], endpoint: Endpoint, tries: list[tuple[str, str]]) -> None:
    await asyncio.gather(
        *(_run_attempts(address, endpoint, tries, n * RESPONSE_TIME_STEP / CONNECTIONS) for n in range(CONNECTIONS))
    )


def _address_index(endpoint: Endpoint, number: int) -> int:
    """An address that is registered is known from then on, so there each is new."""
    return number if endpoint.name == "registration" else number // ATTEMPTS_PER_ADDRESS


async def _run_attempts(
    address: tuple[str, int], endpoint: Endpoint, tries: list[tuple[str, str]], turn: float
) -> None:
    connection = Connection(address)
    await asyncio.sleep(turn)
    while tries:
        kind, email = tries.pop()
        answer = await _send_attempt(connection, endpoint, email)
        endpoint.statuses[kind, answer.status] += 1
        getattr(endpoint, kind).append(answer.seconds)
        if "server-timing" in answer.headers:
            endpoint.statuses["told its time", answer.status] += 1


async def _send_attempt(connection: Connection, endpoint: Endpoint, email: str) -> Response:
    """As nginx would pass it on; from anywhere, since an address is limited."""
    bodies = {
        "sign-in": {"email": email, "password": "wrong but long enough"},
        "registration": {"email": email, "name": "Somebody", "password": PASSWORD},
        "new password": {"email": email},
    }
    headers = {"X-Forwarded-For": ".".join(str(random.randint(1, 250)) for _ in range(4))}
    return await connection.send("POST", endpoint.path, bodies[endpoint.name], headers)


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the area under the curve, of whichever of the two is the slower: 0.5 to 1."""
    ordered = sorted(others)
    below = sum((bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 for one in ones)
    area = below / (len(ones) * len(others))
    return max(area, 1 - area)


def _report(endpoints: list[Endpoint], many: int) -> int:
    rows = [
        (
            endpoint.name,
            f"{len(endpoint.known)} + {len(endpoint.unknown)}",
            f"{format_percentile(endpoint.known, 0.5)} / {format_percentile(endpoint.unknown, 0.5)}",
            f"{format_percentile(endpoint.known, 0.95)} / {format_percentile(endpoint.unknown, 0.95)}",
            f"{endpoint.auc:.3f}",
            dict(endpoint.statuses),
        )
        for endpoint in endpoints
    ]
    print_table([("endpoint", "known + unknown", "p50", "p95", "AUC", "answers"), *rows])
    return print_verdict(
        "timing",
        {f"{endpoint.name} AUC {endpoint.auc:.3f} <= {MAX_AUC}": endpoint.auc <= MAX_AUC for endpoint in endpoints}
        | {
            f"{endpoint.name} answers {sorted(endpoint.answers('known'))} to known, {sorted(endpoint.answers('unknown'))} to unknown": (
                endpoint.answers("known") == endpoint.answers("unknown")
            )
            for endpoint in endpoints
        }
        | {
            "every try was answered by the door itself": all(
                len(endpoint.known) == len(endpoint.unknown) == many
                and not any(status in {0, 429, 403, 500, 503} for _, status in endpoint.statuses)
                for endpoint in endpoints
            ),
            "no answer says how long it took": not any(
                kind == "told its time" for endpoint in endpoints for kind, _ in endpoint.statuses
            ),
        },
    )
