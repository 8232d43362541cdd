"""Adding and removing a second factor: one change of a person's factors after the other, each as a whole."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.core.internal.httpkit import is_headless_request
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.middleware import SESSION_ID_KEY
from accounts.models import User
from core.errors import Conflict

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
EMAIL_UNVERIFIED = "Confirm your e-mail address first: open the link that was sent to it."
OTHER_SESSIONS_REVOKED = "You are signed out everywhere else: elsewhere the second factor had not been asked for."


class MfaChangeMixin:
    """Goes before a view of allauth's among a class's bases.

    The person is locked, so that of two last factors removed at once one goes after the other, and takes the recovery
    codes with it; the fact, the mail and what is remembered of the person go with the change.
    """

    adding_methods: ClassVar[frozenset[str]] = frozenset()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            user = request.user if isinstance(request.user, User) else None
            had_one = user is None or self.admit(request, user)
            answer = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # the view's own
            if user is not None and not had_one and login_methods_selectors.has_mfa(user):
                revoke_other_sessions(request, user)
            return answer

    def admit(self, request: HttpRequest, user: User) -> bool:
        """Return whether the person has a second factor already, or will not get one by this request."""
        if request.method in self.adding_methods:
            require_verified_email(user)
        if request.method in SAFE_METHODS:
            return True
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        return request.method not in self.adding_methods or login_methods_selectors.has_mfa(user)


def revoke_other_sessions(request: HttpRequest, user: User) -> None:
    """Whoever was signed in by a password alone, perhaps a stolen one, is asked for the new factor like everybody."""
    ended = sessions.revoke_sessions_without_mfa(
        actor=user, keep=request.session.get(SESSION_ID_KEY), now=timezone.now()
    )
    if ended and not is_headless_request(request):
        messages.info(request, OTHER_SESSIONS_REVOKED)


def require_verified_email(user: User) -> None:
    """Whoever registered with an address of others shall not lock them out; an address that is proposed matters not."""
    if settings.REQUIRE_VERIFIED_EMAIL and not email_addresses.is_email_verified(user):
        raise Conflict(EMAIL_UNVERIFIED, code="unverified_email")
