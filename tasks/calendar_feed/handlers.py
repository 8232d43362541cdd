"""Consumer of the event log that revokes feeds together with API keys."""

from __future__ import annotations

from events.models import Event
from tasks.models import CalendarFeed

# After these the account's API keys are revoked too: somebody else may have made the link.
REVOKING_CHANGES = frozenset({"password_reset", "login_method_reverted"})


def revoke_feed(event: Event) -> None:
    """Revoke the feed of a user whose account may have been in other hands; a newer feed stays."""
    if event.payload["change"] in REVOKING_CHANGES:
        CalendarFeed.objects.filter(user=event.subject_id, created_at__lte=event.occurred_at).delete()
