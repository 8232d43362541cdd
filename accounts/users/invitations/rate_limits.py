"""Rate limits of invitations, by inviter and by recipient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest

from accounts.models import User
from accounts.users import selectors
from core.rate_limits import Use, limited
from core.text import base_address

UNVERIFIED_INVITE_RATE = "3/d"


@contextmanager
def rate_limited_invitation(request: HttpRequest, inviter: User, email: str) -> Iterator[None]:
    """Count an invitation for its inviter and its recipient, unless the block refuses it. Raises RateLimited."""
    uses = [
        Use("invite", str(inviter.pk), settings.INVITE_RATE),
        Use("invited", base_address(email), settings.EMAIL_LINK_RATE),
    ]
    # Whoever has confirmed no address cannot write to many strangers.
    if not selectors.may_send_own_words(inviter):
        uses.append(Use("invite-unverified", str(inviter.pk), UNVERIFIED_INVITE_RATE))
    with limited(request, *uses):
        yield
