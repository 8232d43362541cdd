"""Reading the security log."""

import uuid

from accounts.auth.security_log.entries import SecurityLogEntry, from_event
from accounts.models import User
from core.api.pagination import Page, PageRequest, Sort, paginate
from core.errors import require
from events.models import Event

SORTS = {"id": Sort("id")}


def list_entries(reader: User, user_id: uuid.UUID | None, page_request: PageRequest) -> Page[SecurityLogEntry]:
    """Return a page of an account's entries, newest first; None means all accounts.

    Raises NotAllowed for another account, unless the reader is an administrator.
    """
    require(user_id == reader.pk or reader.is_admin, "Only administrators see the log of other accounts.")
    events = Event.objects.filter(subject_type="user", **({"subject_id": user_id} if user_id else {}))
    page = paginate(events, page_request)
    return Page(list(map(from_event, page.rows)), page.next, page.previous, page.count, page.pages, page.page)
