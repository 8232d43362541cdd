"""Commands of the palette: an entry, the pages to go to, and which a text means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar
from unicodedata import combining
from unicodedata import normalize as to_normal_form

from django.utils.translation import gettext_noop


class Audience(StrEnum):
    """Users to whom a page is offered."""

    EVERYBODY = "everybody"
    STAFF = "staff"
    ADMINS = "admins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An entry of the palette. Each typed word must begin a word of its label or keywords.

    A POST sends `values` to the URL; `copy` is text for the clipboard instead.
    """

    label: str
    icon: str
    url: str = ""
    keywords: str = ""
    keys: str = ""
    hint: str = ""
    values: dict[str, str] = field(default_factory=dict)
    is_post: bool = False
    copy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A page of the palette; its URL is that of a name."""

    label: str
    icon: str
    url_name: str
    query: str = ""
    keywords: str = ""
    keys: str = ""
    audience: Audience = Audience.EVERYBODY


DESTINATIONS = (
    Destination(
        label=gettext_noop("Overview"),
        icon="layout-dashboard",
        url_name="overview",
        keywords="home dashboard",
        keys="g o",
    ),
    Destination(
        label=gettext_noop("My tasks"),
        icon="user",
        url_name="task-list",
        query="?assignee=me",
        keywords="assigned mine",
        keys="g m",
    ),
    Destination(label=gettext_noop("Tasks"), icon="list-checks", url_name="task-list", keywords="list all", keys="g t"),
    Destination(
        label=gettext_noop("Calendar"),
        icon="calendar",
        url_name="calendar",
        query="?assignee=me",
        keywords="month week due",
        keys="g c",
    ),
    Destination(label=gettext_noop("Projects"), icon="folder-kanban", url_name="project-list", keys="g p"),
    Destination(label=gettext_noop("Inbox"), icon="inbox", url_name="inbox", keywords="notifications", keys="g i"),
    Destination(
        label=gettext_noop("Reports"),
        icon="activity",
        url_name="reports",
        keywords="charts throughput burndown forecast flow",
        keys="g r",
    ),
    Destination(label=gettext_noop("Saved filters"), icon="list-filter", url_name="saved-filters", keywords="views"),
    Destination(label=gettext_noop("New project"), icon="plus", url_name="project-new", keywords="create add"),
    Destination(label=gettext_noop("Import"), icon="upload", url_name="task-import", keywords="csv trello jira"),
    Destination(label=gettext_noop("Trash"), icon="trash-2", url_name="trash", keywords="deleted restore"),
    Destination(
        label=gettext_noop("Settings"),
        icon="settings",
        url_name="settings",
        keywords="profile theme dark density",
        keys="g s",
    ),
    Destination(
        label=gettext_noop("Security settings"),
        icon="lock",
        url_name="mfa_index",
        keywords="password passkey two-factor mfa",
    ),
    Destination(
        label=gettext_noop("Sessions"), icon="laptop", url_name="settings-sessions", keywords="devices sign out"
    ),
    Destination(
        label=gettext_noop("Notification settings"), icon="mail", url_name="settings-notifications", keywords="email"
    ),
    Destination(label="API documentation", icon="book-open", url_name="api-docs", keywords="openapi rest"),
    Destination(
        label=gettext_noop("People"),
        icon="user-plus",
        url_name="people",
        keywords="users members",
        audience=Audience.STAFF,
    ),
    Destination(label=gettext_noop("Administration"), icon="shield", url_name="admin:index", audience=Audience.ADMINS),
)
C = TypeVar("C", Command, Destination)


def fold(text: str) -> str:
    """Return a text without case and accents."""
    return "".join(char for char in to_normal_form("NFKD", text).casefold() if not combining(char))


def is_match(text: str, *names: str) -> bool:
    """Return whether each word of the text begins a word of the names."""
    words = fold(" ".join(names)).replace("-", " ").split()
    return all(any(word.startswith(typed) for word in words) for typed in fold(text).replace("-", " ").split())


def matching(text: str, commands: Iterable[C]) -> list[C]:
    """Return the commands that a text means; those whose label begins with it come first."""
    matches = [command for command in commands if is_match(text, command.label, command.keywords)]
    return sorted(matches, key=lambda command: not fold(command.label).startswith(fold(text).strip()))
