from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from accounts.models import Team, User
from core.errors import NotFound, require
from tasks.models import FilterSubscription, Project, ProjectMember, SavedFilter

MAX_CHOICES = 500

NOT_FOUND = gettext_noop("There is no such saved filter.")


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


def get_own_filter(owner: User, filter_id: UUID) -> SavedFilter:
    """Return a saved filter for its owner to change. Raises NotFound, and NotAllowed for one of another user."""
    saved_filter: SavedFilter = get_saved_filter(owner, filter_id)
    require(saved_filter.owner_id == owner.pk, "Only its owner may change a saved filter.")
    return saved_filter


def audience_choices(user: User) -> tuple[list[Project], list[Team]]:
    """Return the projects and teams that a user can share a filter with."""
    own = ProjectMember.objects.filter(user=user).values("project")
    projects = Project.objects.filter(pk__in=own, is_inbox=False).current().order_by("name")
    teams = Team.objects.filter(memberships__user=user).order_by("name")
    return list(projects[:MAX_CHOICES]), list(teams[:MAX_CHOICES])
