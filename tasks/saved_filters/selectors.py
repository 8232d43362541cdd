from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from core.errors import NotFound
from tasks.models import FilterSubscription, SavedFilter

NOT_FOUND = "There is no such saved filter."


def list_saved_filters(user: User, *, search: str = "", own: bool | None = None) -> QuerySet[SavedFilter]:
    """Return the visible saved filters, each with `is_subscribed`: whether the user subscribes to it."""
    subscribed = FilterSubscription.objects.filter(saved_filter=OuterRef("pk"), user=user)
    rows = SavedFilter.objects.visible_to(user).select_related("owner", "project", "team")
    if search:
        rows = rows.filter(name__icontains=search)
    if own is not None:
        rows = rows.filter(owner=user) if own else rows.filter(~Q(owner=user))
    return rows.annotate(is_subscribed=Exists(subscribed))


def list_for_navigation(user: User, *, limit: int) -> list[SavedFilter]:
    """Return the saved filters that the task list links: favourites first, then the user's own, then shared ones."""
    visible = SavedFilter.objects.visible_to(user).annotate(is_own=Q(owner=user))
    # A favourite is one of its owner only.
    rows = visible.annotate(is_first=Q(owner=user, is_favourite=True)).only("pk", "name", "everyone", "owner_id")
    return list(rows.order_by("-is_first", "-is_own", "position", "name", "pk")[:limit])


def get_saved_filter(user: User, filter_id: UUID | str) -> Any:
    """Return a saved filter that the user sees. Raises NotFound."""
    saved_filter = list_saved_filters(user).filter(pk=filter_id).first()
    if saved_filter is None:
        raise NotFound(NOT_FOUND)
    return saved_filter
