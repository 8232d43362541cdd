"""Adding and removing a second factor: one change of a person's factors after the other, each as a whole."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.core.internal.httpkit import is_headless_request
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import selectors, services
from accounts.browsers import ROW
from accounts.models import User
from core.errors import Conflict

SAFE = {"GET", "HEAD", "OPTIONS"}
UNCONFIRMED = "Confirm your e-mail address first: open the link that was sent to it."
ENDED = "You are signed out everywhere else: elsewhere the second factor had not been asked for."


class ChangesFactors:
    """Goes before a view of allauth's among a class's bases.

    The person is locked, so that of two last factors removed at once one goes after the other, and takes the recovery
    codes with it; the fact, the mail and what is remembered of the person go with the change.
    """

    adding: ClassVar[frozenset[str]] = frozenset()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            person = request.user if isinstance(request.user, User) else None
            had_one = person is None or self.admit(request, person)
            answer = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # the view's own
            if person is not None and not had_one and selectors.has_second_factor(person):
                end_sessions_elsewhere(request, person)
            return answer

    def admit(self, request: HttpRequest, person: User) -> bool:
        """Return whether the person has a second factor already, or will not get one by this request."""
        if request.method in self.adding:
            require_confirmed(person)
        if request.method in SAFE:
            return True
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        return request.method not in self.adding or selectors.has_second_factor(person)


def end_sessions_elsewhere(request: HttpRequest, person: User) -> None:
    """Whoever was signed in by a password alone, perhaps a stolen one, is asked for the new factor like everybody."""
    ended = services.end_sessions_without_factor(actor=person, keep=request.session.get(ROW), now=timezone.now())
    if ended and not is_headless_request(request):
        messages.info(request, ENDED)


def require_confirmed(person: User) -> None:
    """Whoever registered with an address of others shall not lock them out; an address that is proposed matters not."""
    if settings.REQUIRE_VERIFIED_EMAIL and not services.is_verified(person):
        raise Conflict(UNCONFIRMED, code="unverified_email")
