import uuid

from accounts import policies
from accounts.auth.security_log.entries import SecurityLogEntry, from_event
from accounts.models import User
from core.api.pagination import Page, PageRequest, Sort, paginate
from events.models import Event

SORTS = {"id": Sort("id")}


def list_entries(reader: User, whose: uuid.UUID | None, window: PageRequest) -> Page[SecurityLogEntry]:
    """What happened to somebody's account, newest first; None means everybody's. Others' are for administrators."""
    policies.require(whose == reader.pk or reader.is_admin, "Only administrators see what happened to others.")
    facts = Event.objects.filter(subject_type="user", **({"subject_id": whose} if whose else {}))
    piece = paginate(facts, window)
    happened = [from_event(event) for event in piece.rows]
    return Page(happened, piece.next, piece.previous, piece.count, piece.pages, piece.page)
