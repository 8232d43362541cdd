"""Writes of favourites: a user's own order of projects, without events."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext

from accounts.models import User
from core.cache import invalidate_after_commit
from core.errors import Conflict, Invalid
from tasks.items.fractional_indexing import initial_position, position_between
from tasks.models import Project, ProjectFavourite
from tasks.projects import selectors as projects_selectors

MAX_FAVOURITES = 50
# Positions grow where favourites are moved between the same two again and again; the column holds twice as much.
MAX_POSITION_LENGTH = 100


@transaction.atomic
def set_favourite(*, actor: User, ref: str, is_favourite: bool) -> None:
    """Put a project among the actor's favourites, as the last one, or take it out. Raises NotFound, Conflict."""
    project = projects_selectors.get_project(actor, ref)
    favourites = _lock_favourites(actor)
    if not is_favourite:
        favourites.filter(project=project.pk).delete()
    elif not favourites.filter(project=project.pk).exists():
        if favourites.count() >= MAX_FAVOURITES:
            raise Conflict(
                gettext("At most %(max_favourites)s favourites; remove one first.")
                % {"max_favourites": MAX_FAVOURITES},
                code="too_many",
            )
        last = favourites.aggregate(last=Max("position"))["last"]
        favourite = ProjectFavourite(user=actor, project_id=project.pk)
        _place(favourites, favourite, position_between(last, "") if last else initial_position(0))
    invalidate_after_commit([str(actor.pk)])


@transaction.atomic
def move(*, actor: User, ref: str, before: str = "", after: str = "") -> None:
    """Move a favourite directly before or after another one. Raises NotFound, Conflict, Invalid."""
    project = projects_selectors.get_project(actor, ref)
    if bool(before) == bool(after):
        raise Invalid.field("before", gettext("Name one neighbour: before or after."), "one_neighbour")
    name = "before" if before else "after"
    favourites = _lock_favourites(actor)
    moved = favourites.filter(project=project.pk).first()
    if moved is None:
        raise Conflict(gettext("This project is not one of your favourites."), code="no_favourite")
    neighbour_id = projects_selectors.resolve_project_id(actor, before or after)
    neighbour = favourites.filter(project=neighbour_id).exclude(pk=moved.pk).first()
    if neighbour is None:
        raise Invalid.field(name, gettext("There is no such other favourite."), "does_not_exist")
    others = favourites.exclude(pk=moved.pk)
    if before:
        low = others.filter(position__lt=neighbour.position).aggregate(low=Max("position"))["low"]
        position = position_between(low or "", neighbour.position)
    else:
        high = others.filter(position__gt=neighbour.position).aggregate(high=Min("position"))["high"]
        position = position_between(neighbour.position, high or "")
    _place(favourites, moved, position)
    invalidate_after_commit([str(actor.pk)])


@transaction.atomic
def move_step(*, actor: User, ref: str, is_up: bool) -> None:
    """Move a favourite one place up or down among those that the actor sees; at the end it stays.

    Raises NotFound, Conflict.
    """
    project = projects_selectors.get_project(actor, ref)
    _lock_favourites(actor)
    current = Project.objects.visible_to(actor).current().filter(favourites__user=actor)
    ids = list(current.order_by("favourites__position", "favourites__pk").values_list("pk", flat=True))
    if project.pk not in ids:
        raise Conflict(gettext("This project is not one of your favourites."), code="no_favourite")
    index = ids.index(project.pk)
    if is_up and index > 0:
        move(actor=actor, ref=str(project.pk), before=str(ids[index - 1]))
    elif not is_up and index < len(ids) - 1:
        move(actor=actor, ref=str(project.pk), after=str(ids[index + 1]))


def _lock_favourites(actor: User) -> QuerySet[ProjectFavourite]:
    # The user's row, so that two requests at once neither pass the limit nor take one position.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    return ProjectFavourite.objects.filter(user=actor)


def _place(favourites: QuerySet[ProjectFavourite], favourite: ProjectFavourite, position: str) -> None:
    """Save the new position, and number all anew where it has become long."""
    favourite.position = position
    favourite.save()
    if len(position) > MAX_POSITION_LENGTH:
        rows = list(favourites.order_by("position", "pk"))  # at most MAX_FAVOURITES
        for number, row in enumerate(rows):
            row.position = initial_position(number)
        ProjectFavourite.objects.bulk_update(rows, ["position"])
