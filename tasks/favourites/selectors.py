from __future__ import annotations

from accounts.models import User
from core.cache import get_or_build
from tasks.models import Project

# Each change of the user's favourites or of a project they see invalidates the list earlier.
CACHE_TTL = 600


def list_favourites(user: User) -> list[dict[str, str]]:
    """Return key and name of the user's current favourites, cached for the navigation."""

    def build() -> list[dict[str, str]]:
        projects = Project.objects.visible_to(user).current().filter(favourites__user=user)
        rows = projects.order_by("favourites__position", "favourites__pk").values_list("key", "name")
        return [{"key": key, "name": name} for key, name in rows]

    return get_or_build(str(user.pk), "favourites", seconds=CACHE_TTL, build=build)
