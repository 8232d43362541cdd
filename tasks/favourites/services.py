"""Writes of favourites: a user's own order of projects, without events."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from core.cache import invalidate_after_commit
from core.errors import Conflict
from tasks.models import ProjectFavourite
from tasks.projects import selectors as projects_selectors

MAX_FAVOURITES = 50


@transaction.atomic
def set_favourite(*, actor: User, ref: str, is_favourite: bool) -> None:
    """Put a project among the actor's favourites, as the last one, or take it out. Raises NotFound, Conflict."""
    project = projects_selectors.get_project(actor, ref)
    # The user's row, so that two requests at once neither pass the limit nor take one position.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    favourites = ProjectFavourite.objects.filter(user=actor)
    if not is_favourite:
        favourites.filter(project=project.pk).delete()
    elif not favourites.filter(project=project.pk).exists():
        if favourites.count() >= MAX_FAVOURITES:
            raise Conflict(f"At most {MAX_FAVOURITES} favourites; remove one first.", code="too_many")
        last = favourites.aggregate(last=Max("position"))["last"]
        position = 0 if last is None else last + 1
        ProjectFavourite.objects.create(user=actor, project_id=project.pk, position=position)
    invalidate_after_commit([str(actor.pk)])
