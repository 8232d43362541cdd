"""What a password may not be beside Django's own rules.

Who sets a password asks the list of breached ones before their transaction, by `asked_first` (a service) or `asked_about`
(the administration); the validators only judge, and inside of that they find its answer and ask nobody. Where allauth's
form has judged a password already, the adapter says `known(..., is_breached=False)`: the service is not to ask again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.core.exceptions import ValidationError

from accounts.auth.passwords import pwned_passwords

P = ParamSpec("P")
R = TypeVar("R")
FORBIDDEN_NAMES = ("taskflow",)
MAX_EXTRA_LETTERS = 3


class ServiceNameValidator:
    """Refuses the name of the service with digits, signs and a few letters around it: it is guessed first."""

    def validate(self, password: str, user: object = None) -> None:
        letters = re.sub(r"[\W\d_]", "", password.lower())
        for name in FORBIDDEN_NAMES:
            if name in letters and len(letters) - len(name) <= MAX_EXTRA_LETTERS:
                raise ValidationError(
                    "This password is too similar to the name of the service.", code="password_too_similar"
                )

    def get_help_text(self) -> str:
        return "Your password can’t be the name of the service."


class BreachedPasswordValidator:
    """Refuses what is known from a breach elsewhere, where the operator names a list to ask."""

    def validate(self, password: str, user: object = None) -> None:
        if _is_breached(password):
            raise ValidationError(
                "This password is known from a breach somewhere else, so it is tried early. Choose another one.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return "Your password can’t be one that is known from a breach."


_breach_result: ContextVar[tuple[str, bool] | None] = ContextVar("verdict", default=None)


def check_breach_first(service: Callable[P, R]) -> Callable[P, R]:
    """Ask about the service's `password` before it opens its transaction: an answer may take a second."""

    @wraps(service)
    def asking(*args: P.args, **words: P.kwargs) -> R:
        with breach_check(str(words["password"])):
            return service(*args, **words)

    return asking


@contextmanager
def breach_check(password: str) -> Iterator[None]:
    """Ask now; whoever judges this password inside does not ask again."""
    with with_breach_result(password, is_breached=_is_breached(password)):
        yield


@contextmanager
def with_breach_result(password: str, *, is_breached: bool) -> Iterator[None]:
    before = _breach_result.set((password, is_breached))
    try:
        yield
    finally:
        _breach_result.reset(before)


def _is_breached(password: str) -> bool:
    verdict = _breach_result.get()
    return verdict[1] if verdict and verdict[0] == password else pwned_passwords.is_breached(password)
