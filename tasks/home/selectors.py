"""The page that a user begins with: the choices, and the address of the one that was chosen."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import NotFound
from tasks.projects.selectors import get_project, list_current_projects
from tasks.saved_filters import selectors as saved_filters_selectors

MAX_FILTERS = 50
DEFAULT_HOME = "overview"
BOARD_PREFIX, FILTER_PREFIX = "board:", "filter:"
PAGES = {"my_tasks": ("task-list", "?assignee=me"), "tasks": ("task-list", ""), "inbox": ("inbox", "")}


def home_choices(user: User) -> list[tuple[str, str]]:
    """Return the pages that may be the user's first one, with their titles."""
    pages = [
        (DEFAULT_HOME, _("Overview with My day")),
        ("my_tasks", _("My tasks")),
        ("tasks", _("Tasks")),
        ("calendar", _("Calendar")),
        ("inbox", _("Inbox")),
    ]
    filters = saved_filters_selectors.list_for_navigation(user, limit=MAX_FILTERS)
    pages += [(f"{FILTER_PREFIX}{row.pk}", _("Saved filter: %s") % row.name) for row in filters]
    projects = list_current_projects(user)
    return [*pages, *((f"{BOARD_PREFIX}{project.key}", _("Board: %s") % project.name) for project in projects)]


def home_url(user: User) -> str:
    """Return the address of the user's first page; empty for the overview, and for what the user no longer sees."""
    if user.home in PAGES:
        name, query = PAGES[user.home]
        return f"{reverse(name)}{query}"
    if user.home == "calendar":
        return f"{reverse('calendar')}?assignee=me"
    try:
        if user.home.startswith(BOARD_PREFIX):
            return reverse("project-board", args=[get_project(user, user.home.removeprefix(BOARD_PREFIX)).key])
        if UUID_PATTERN.match(filter_id := user.home.removeprefix(FILTER_PREFIX)):
            row = saved_filters_selectors.get_saved_filter(user, filter_id)
            return f"{reverse('task-list')}?saved_filter={row.pk}"
    except NotFound:
        pass
    return ""
