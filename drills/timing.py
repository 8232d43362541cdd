"""Login, registration and password reset take equally long for known and unknown email addresses.

The AUC (area under the ROC curve) is the chance that an attacker who sees two response times, one of each kind, tells
them apart: 0.5 is guessing. The gateway pads each response to a multiple of RESPONSE_TIME_STEP, so several connections
take turns and the processor works for one while the others wait. Registration is measured with REQUIRE_VERIFIED_EMAIL,
without which it has to say that an address is taken.
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
from drills.report import Check, Progress, format_percentile, print_table, print_verdict
from drills.users import PASSWORD
from gateway.timing import RESPONSE_TIME_STEP

SAMPLE_COUNT, CONNECTIONS, ATTEMPTS_PER_ADDRESS, WARMUP_SAMPLES = 2000, 8, 4, 20
MAX_AUC = 0.55


@dataclass(slots=True)
class Endpoint:
    """An endpoint with its response times in seconds, for known and unknown addresses."""

    name: str
    path: str
    settings: dict[str, str] = field(default_factory=dict)
    known: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def auc(self) -> float:
        return auc(self.known, self.unknown)

    def statuses_of(self, kind: str) -> set[int]:
        return {status for status_kind, status in self.statuses if status_kind == kind}


def run(folder: Path, samples: str = str(SAMPLE_COUNT)) -> int:
    call_command("migrate", verbosity=0)
    count = int(samples) // 2
    endpoints = [
        Endpoint("login", "/api/v1/auth/login/"),
        Endpoint("registration", "/api/v1/auth/register/", {"REQUIRE_VERIFIED_EMAIL": "true"}),
        Endpoint("password reset", "/api/v1/auth/password-reset/"),
    ]
    common = {"TRUSTED_PROXIES": "127.0.0.1", "LOG_LEVEL": "ERROR", "DATA_DIR": str(folder / "var")}
    progress = Progress()
    for endpoint in endpoints:
        rounds = [
            (Endpoint(endpoint.name, endpoint.path), _build_attempts(endpoint, WARMUP_SAMPLES)),
            (endpoint, _build_attempts(endpoint, count)),
        ]
        with Processes(folder, **common, **endpoint.settings) as processes:
            processes.start("web")
            for measured, attempts in rounds:  # the first responses of a new node are not counted
                uvloop.run(_drill(("127.0.0.1", processes.port), measured, attempts))
        progress.print_line(f"{endpoint.name}: AUC {endpoint.auc:.3f}")
    return _report(endpoints, count)


def _create_users(count: int) -> list[str]:
    """Create users with bulk inserts, which is faster than registering them. Returns their addresses."""
    suffix, password = secrets.token_hex(4), make_password(PASSWORD)
    users = [
        User(email=f"known-{suffix}-{n}@example.com", handle=f"known-{suffix}-{n}", name="Known", password=password)
        for n in range(count)
    ]
    User.objects.bulk_create(users)
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users
    )
    return [user.email for user in users]


def _build_attempts(endpoint: Endpoint, count: int) -> list[tuple[str, str]]:
    """Return the kind and the address of each attempt, in random order.

    Each address is used only a few times, below the rate limit. Registration makes an address known, so there each
    unknown address is new.
    """
    known, suffix = _create_users(count // ATTEMPTS_PER_ADDRESS + 1), secrets.token_hex(4)
    attempts = [("known", known[n // ATTEMPTS_PER_ADDRESS]) for n in range(count)]
    uses = 1 if endpoint.name == "registration" else ATTEMPTS_PER_ADDRESS
    # "unkno" is as long as "known": the length of the address must not matter.
    attempts += [("unknown", f"unkno-{suffix}-{n // uses}@example.com") for n in range(count)]
    random.shuffle(attempts)
    return attempts


async def _drill(address: tuple[str, int], endpoint: Endpoint, attempts: list[tuple[str, str]]) -> None:
    delays = [number * RESPONSE_TIME_STEP / CONNECTIONS for number in range(CONNECTIONS)]
    await asyncio.gather(*(_run_attempts(address, endpoint, attempts, delay) for delay in delays))


async def _run_attempts(
    address: tuple[str, int], endpoint: Endpoint, attempts: list[tuple[str, str]], delay: float
) -> None:
    connection = Connection(address)
    await asyncio.sleep(delay)
    while attempts:
        kind, email = attempts.pop()
        response = await _send_attempt(connection, endpoint, email)
        endpoint.statuses[kind, response.status] += 1
        getattr(endpoint, kind).append(response.seconds)
        if "server-timing" in response.headers:
            endpoint.statuses["Server-Timing", response.status] += 1


async def _send_attempt(connection: Connection, endpoint: Endpoint, email: str) -> Response:
    """Send one attempt with a random client address, since requests are limited by address."""
    headers = {"X-Forwarded-For": ".".join(str(random.randint(1, 250)) for _ in range(4))}
    bodies = {
        "login": {"email": email, "password": "wrong but long enough"},
        "registration": {"email": email, "name": "New user", "password": PASSWORD},
        "password reset": {"email": email},
    }
    return await connection.send("POST", endpoint.path, bodies[endpoint.name], headers)


def auc(known: Sequence[float], unknown: Sequence[float]) -> float:
    """Return the area under the ROC curve, from 0.5 (equal distributions) to 1."""
    ordered = sorted(unknown)
    below = sum((bisect_left(ordered, seconds) + bisect_right(ordered, seconds)) / 2 for seconds in known)
    area = below / (len(known) * len(unknown))
    return max(area, 1 - area)


def _report(endpoints: list[Endpoint], count: int) -> int:
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
    print_table([("endpoint", "known + unknown", "p50", "p95", "AUC", "statuses"), *rows])
    checks = []
    for endpoint in endpoints:
        known, unknown = endpoint.statuses_of("known"), endpoint.statuses_of("unknown")
        checks.append(Check(f"{endpoint.name}: AUC {endpoint.auc:.3f}", f"<= {MAX_AUC}", endpoint.auc <= MAX_AUC))
        statuses = f"{endpoint.name}: status {sorted(known)} for known, {sorted(unknown)} for unknown addresses"
        checks.append(Check(statuses, "equal", known == unknown))
    finished = sum(len(endpoint.known) + len(endpoint.unknown) for endpoint in endpoints)
    unexpected = sum(
        number
        for endpoint in endpoints
        for (kind, status), number in endpoint.statuses.items()
        if kind != "Server-Timing" and status in {0, 429, 403, 500, 503}
    )
    revealing = sum(len(endpoint.statuses_of("Server-Timing")) for endpoint in endpoints)
    return print_verdict(
        "timing",
        [
            *checks,
            Check(f"{finished} attempts", f"{2 * count * len(endpoints)}", finished == 2 * count * len(endpoints)),
            Check(f"{unexpected} failed or limited", "0", unexpected == 0),
            Check(f"{revealing} statuses with a Server-Timing header", "0", revealing == 0),
        ],
    )
