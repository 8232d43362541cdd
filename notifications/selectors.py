"""Questions about what people were told."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from core.errors import NotFound
from gateway.pagination import Slice, Sort, Window, take
from notifications.kinds import DEFAULTS, Channel, Kind
from notifications.models import Notification, Preference
from notifications.subjects import Subject
from tasks.selectors import people_in, readers_among

SORTS = {"created_at": Sort("created_at")}
NEWEST_FIRST = "-created_at"

Matrix = dict[Kind, dict[Channel, bool]]


def inbox(user: User, *, kind: str = "", unread: bool | None = None) -> QuerySet[Notification]:
    """Everything in this person's inbox, narrowed as asked."""
    found = Notification.objects.of(user.pk).in_inbox()
    if kind:
        found = found.filter(kind=kind)
    if unread is not None:
        found = found.filter(read_at__isnull=unread)
    return found


def list_inbox(user: User, window: Window, *, kind: str = "", unread: bool | None = None) -> Slice[Notification]:
    return take(inbox(user, kind=kind, unread=unread), window)


def get_notification(user: User, notification_id: UUID) -> Notification:
    found = inbox(user).filter(pk=notification_id).first()
    if found is None:
        raise NotFound("No such notification.")
    return found


def unread_count(user: User) -> int:
    """Answered by one scan of the index `inbox_unread_newest_first`; not cached, because it must be right."""
    return inbox(user, unread=True).count()


def preferences(user: User) -> Matrix:
    """Return for every kind and channel whether this person is told, by his own word or by default."""
    matrix: Matrix = {kind: {channel: DEFAULTS[kind, channel] for channel in Channel} for kind in Kind}
    # A newer release may know more kinds while it replaces this one.
    said = Preference.objects.filter(user=user, kind__in=Kind.values)
    for kind, channel, enabled in said.values_list("kind", "channel", "enabled"):
        matrix[Kind(kind)][Channel(channel)] = enabled
    return matrix


def hearers(user_ids: Iterable[UUID], subject: Subject) -> list[User]:
    """Those of these people who are active and can see now what it is about: the task, or else the project or team."""
    if subject.task_id:
        return readers_among(subject.task_id, user_ids)
    if subject.project_id:
        return people_in(subject.project_id, user_ids)
    return list(User.objects.active().filter(team_memberships__team=subject.team_id, pk__in=list(user_ids)))


def version_of(matrix: Matrix) -> int:
    """Return the switches as a number: two are the same exactly when every switch is."""
    switches = [on for row in matrix.values() for on in row.values()]
    return sum(1 << place for place, on in enumerate(switches) if on)


def channels(kind: Kind, user_ids: Iterable[UUID]) -> dict[UUID, set[Channel]]:
    """Return by which channels each of these people wants to hear of this kind; one query for all of them."""
    ids = list(user_ids)
    usual = {channel for channel in Channel if DEFAULTS[kind, channel]}
    found = {user_id: set(usual) for user_id in ids}
    said = Preference.objects.filter(user__in=ids, kind=kind)
    for user_id, channel, enabled in said.values_list("user_id", "channel", "enabled"):
        if enabled:
            found[user_id].add(Channel(channel))
        else:
            found[user_id].discard(Channel(channel))
    return found
