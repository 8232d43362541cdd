"""Rate limits of invitations, by inviter and by recipient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User
from accounts.users import selectors
from core.rate_limits import consume
from core.text import base_address

UNVERIFIED_INVITE_RATE = "3/d"


@contextmanager
def rate_limited_invitation(request: HttpRequest, inviter: User, email: str) -> Iterator[None]:
    """Count an invitation for its inviter and, after the block succeeded, for its recipient.

    Raises RateLimited; the changes of the block are rolled back then.
    """
    consume(request, group="invite", key=str(inviter.pk), rate=settings.INVITE_RATE)
    # Whoever has confirmed no address cannot write to many strangers.
    if not selectors.may_send_own_words(inviter):
        consume(request, group="invite-unverified", key=str(inviter.pk), rate=UNVERIFIED_INVITE_RATE)
    # Counted after the service allowed it: refused attempts must not use up the limit of a recipient.
    with transaction.atomic():
        yield
        consume(request, group="invited", key=base_address(email), rate=settings.EMAIL_LINK_RATE)
