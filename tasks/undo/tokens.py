"""Undo tokens: the signed id of the event of a write. The event itself is the record, so a write stores nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse

from core.errors import Invalid
from core.htmx import UNDO_TAG
from events.models import Event
from events.outbox import published_events

HEADER = "Undo-Token"
# First a change of many tasks, then a task that was closed and repeated: one write, undone as one. Then by project, or
# else by task; a plain update may also be a consequence of another event of the same write.
BULK_EVENTS = frozenset({"bulk.updated", "bulk.deleted", "bulk.restored"})
SERIES_EVENTS = frozenset({"task.repeated", "task.repetition_undone"})
# A relation has an event for each of its tasks, the first of which stands for both. An item that becomes a subtask is
# undone with it.
RELATION_EVENTS = frozenset({"task.relation_added", "task.relation_removed"})
CHECKLIST_EVENTS = frozenset(
    {"task.checklist_item_added", "task.checklist_item_changed", "task.checklist_item_removed"}
)
PROJECT_EVENTS = frozenset({"project.deleted", "project.restored"})
TASK_EVENTS = frozenset(
    {
        "task.created",
        "task.deleted",
        "task.restored",
        "task.commented",
        "task.comment_edited",
        "task.comment_deleted",
        "task.comment_restored",
        "task.attachment_added",
        "task.attachment_deleted",
        "task.attachment_restored",
    }
)
# A task that became a checklist item, and is deleted as a part of that.
CONVERSION_EVENTS = frozenset({"task.converted_to_item"})
# A task that was moved to another project; what came along with it has events of another name.
MOVE_EVENTS = frozenset({"task.moved_to_project"})
UPDATE_EVENTS = frozenset({"task.updated"})
TIME_EVENTS = frozenset({"task.time_logged", "task.time_entry_changed", "task.time_entry_deleted"})
PROJECT_PART_EVENTS = frozenset({"project.updated"})
PROJECT_PARTS = frozenset({"labels", "sections", "task_templates"})
UNDO_ORDER = (
    BULK_EVENTS,
    SERIES_EVENTS,
    CONVERSION_EVENTS,
    MOVE_EVENTS,
    PROJECT_EVENTS,
    RELATION_EVENTS,
    CHECKLIST_EVENTS,
    TASK_EVENTS,
    UPDATE_EVENTS,
    TIME_EVENTS,
    PROJECT_PART_EVENTS,
)
UNDOABLE_EVENTS = frozenset().union(*UNDO_ORDER)


def make_token(events: Iterable[Event]) -> str:
    """Return the token of the write that published these events; empty for none, and for many at once."""
    for names in UNDO_ORDER:
        if matching := [event for event in events if event.name in names and is_undoable(event)]:
            if names is RELATION_EVENTS and len({event.payload["relation_id"] for event in matching}) == 1:
                matching = matching[:1]
            return _signer().sign(str(matching[0].pk)) if len(matching) == 1 else ""
    return ""


def is_undoable(event: Event) -> bool:
    """Return whether an event of an undoable name can be undone.

    A timer that was stopped is not: another may run by now. Nor are settings of a project, and the order of its parts.
    """
    if event.name == "project.updated":
        pairs = [pair for field, pair in event.payload["changes"].items() if field in PROJECT_PARTS]
        return bool(event.payload.get("part_id")) and len(pairs) == 1 and pairs[0][0] != pairs[0][1]
    return event.name != "task.time_logged" or event.payload["source"] != "timer"


def invalid_token() -> Invalid:
    """Return the error for a token that is wrong, too old or somebody else's: they look the same."""
    return Invalid.field("token", "This can't be undone any more.", "invalid")


def parse_token(token: str) -> int:
    """Return the id of the event. Raises Invalid for a token that was not made here."""
    try:
        return int(_signer().unsign(token))
    except (signing.BadSignature, ValueError) as error:
        raise invalid_token() from error


def _signer() -> signing.Signer:
    return signing.Signer(salt="undo", sep="~")  # a separator that needs no escaping


def add_undo_message(request: HttpRequest, text: str, *, tag: str = UNDO_TAG) -> None:
    """Show a message with a button that undoes what the current request has written."""
    token = make_token(published_events.get() or ())
    messages.success(request, text, extra_tags=f"{tag}{token}" if token else "")


def with_next_task(text: str) -> str:
    """Name in a message the next task of a series, if there is one."""
    keys = [event.payload["next_key"] for event in published_events.get() or () if event.name == "task.repeated"]
    return f"{text} {keys[0]} is the next one." if keys else text


class UndoTokenMiddleware:
    """Adds the undo token of a write to its response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return self.get_response(request)
        # Set even if an outer request of the same thread has left its own, as in tests.
        reset_token = published_events.set([])
        try:
            response = self.get_response(request)
            if response.status_code < 400 and (token := make_token(published_events.get() or ())):
                response[HEADER] = token
            return response
        finally:
            published_events.reset(reset_token)
