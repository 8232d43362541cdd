"""The command palette: go to a page, project or task, create a task, act on the current one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.forms import form_status
from core.htmx import render_page
from tasks.favourites.selectors import list_favourites
from tasks.palette import selectors
from tasks.palette.commands import DESTINATIONS, Audience, Command, matching
from tasks.palette.forms import PaletteForm
from tasks.palette.selectors import CurrentTask

FRAGMENTS = {"palette-results": "tasks/_palette_results.html"}
MAX_PAGES = 6
# Words after which the views of a project are offered beside the project itself.
VIEWS = {"board": ("Board", "folder-kanban", "project-board"), "calendar": ("Calendar", "calendar", "project-calendar")}
PROJECT_PAGE = [("", "folder-kanban", "project-detail")]
# What `task_actions` offers, in the words by which it is found: no query for a text that means none of them.
ACTION_WORDS = (
    "complete done finish close start stop timer time watch unwatch stop watching assign to me mine take duplicate copy "
    "reference edit"
)


class Group(NamedTuple):
    """Entries of the palette under a heading."""

    title: str
    commands: Sequence[Command]


@login_required
@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """Show what a text may mean; htmx gets the results alone."""
    user = get_request_user(request)
    form = PaletteForm(request.GET)
    groups = build_groups(user, form.cleaned_data) if form.is_valid() else []
    groups = [group for group in groups if group.commands]
    context = {"form": form, "groups": groups, "result_count": sum(len(group.commands) for group in groups)}
    return render_page(request, "tasks/palette.html", context, fragments=FRAGMENTS, status=form_status(form))


def build_groups(user: User, data: dict[str, str]) -> list[Group]:
    """Return the entries for a text; without one, those that are used most."""
    text = data["q"]
    actions = Group(gettext("This task"), [])
    if data["task"] and matching(text, [Command(label="", icon="", keywords=ACTION_WORDS)]):
        current = selectors.get_current_task(user, data["task"])
        actions = Group(current.task.key, matching(text, task_actions(user, current))) if current else actions
    if not text:
        new = Command(label=gettext("New task"), icon="plus", url=reverse("quick-add"), keys="c")
        favourites = [
            Command(
                label=item["name"], icon="star", url=reverse("project-detail", args=[item["key"]]), hint=item["key"]
            )
            for item in list_favourites(user)
        ]
        return [
            actions,
            Group(gettext("Create"), [new]),
            Group(gettext("Favourites"), favourites),
            Group(gettext("Go to"), match_pages(user, "")[:MAX_PAGES]),
        ]
    tasks = [
        Command(
            label=task.title,
            icon="circle-check" if task.is_closed else "circle",
            url=reverse("task-detail", args=[task.key]),
            hint=f"{task.key} · {task.state.name}",
        )
        for task in selectors.find_tasks(user, text, now=current_time())
    ]
    create = Command(
        label=gettext("Create task “%(chars)s”") % {"chars": Truncator(text).chars(80)},
        icon="plus",
        url=reverse("quick-add"),
        is_post=True,
        values={"text": text, "project": data["project"], "next": data["next"]},
    )
    return [
        actions,
        Group(gettext("Go to"), match_pages(user, text)[:MAX_PAGES]),
        Group(gettext("Projects"), match_projects(user, text)),
        Group(gettext("Appearance"), match_appearance(user, text, next_url=data["next"])),
        Group(gettext("Tasks"), tasks),
        Group(gettext("Create"), [create]),
    ]


def match_pages(user: User, text: str) -> list[Command]:
    """Return the pages that the user may open and a text means."""
    audiences = {Audience.EVERYBODY: True, Audience.STAFF: user.is_staff_or_admin, Audience.ADMINS: user.is_admin}
    return [
        Command(label=gettext(page.label), icon=page.icon, url=reverse(page.url_name) + page.query, keys=page.keys)
        for page in matching(text, DESTINATIONS)
        if audiences[page.audience]
    ]


def match_appearance(user: User, text: str, *, next_url: str) -> list[Command]:
    """Return the themes and densities that a text means, except those in use."""
    commands = [
        Command(
            label=f"{name.capitalize()}: {label}",
            icon="settings",
            url=reverse("settings-appearance"),
            keywords="appearance mode",
            is_post=True,
            values={name: value, "next": next_url},
        )
        for name in ("theme", "density")
        for value, label in User._meta.get_field(name).choices or ()
        if value != getattr(user, name)
    ]
    return matching(text, commands)


def match_projects(user: User, text: str) -> list[Command]:
    """Return the projects that a text means; with a word like `board`, that view of each."""
    *words, last = text.split()
    views = [view for name, view in VIEWS.items() if words and len(last) > 1 and name.startswith(last.casefold())]
    commands = []
    for project in selectors.find_projects(user, " ".join(words) if views else text):
        commands += [
            Command(
                label=f"{project.name}: {title}" if title else project.name,
                icon=icon,
                url=reverse(url_name, args=[project.key]),
                hint=project.key,
            )
            for title, icon, url_name in views or PROJECT_PAGE
        ]
    return commands


def task_actions(user: User, current: CurrentTask) -> list[Command]:
    """Return the actions on a task that the user may take."""
    task = current.task
    page = reverse("task-detail", args=[task.key])

    def action(label: str, icon: str, url_name: str, keys: str = "", keywords: str = "", **values: str) -> Command:
        url = reverse(url_name, args=[task.key, "status"] if url_name == "task-cell" else [task.key])
        return Command(label=label, icon=icon, url=url, is_post=True, keys=keys, keywords=keywords, values=values)

    watch = (gettext("Stop watching"), "false") if current.is_watching else ("Watch", "true")
    commands = [
        action(watch[0], "eye", "task-watch", keys="w", keywords="unwatch", watch=watch[1]),
        Command(label=gettext("Copy reference"), icon="copy", copy=task.key, keys="."),
    ]
    if not current.can_edit:
        return commands
    timer = (
        (gettext("Stop timer"), "timer-stop") if current.is_timer_running else (gettext("Start timer"), "timer-start")
    )
    commands = [
        Command(label=gettext("Edit"), icon="pencil", url=f"{page}#edit", keys="e"),
        action(timer[0], "timer", timer[1], keywords="time"),
        *commands,
    ]
    if current.done_status and not task.is_closed:
        version = {"version": str(task.version), "initial-status": task.state.slug}
        complete = action(
            "Complete",
            "check",
            "task-cell",
            keywords="done finish close",
            status=current.done_status,
            next=page,
            **version,
        )
        commands.insert(0, complete)
    if current.is_member:
        assignees = list(task.assignees.all())
        if user not in assignees:
            names = " and ".join(assignee.name for assignee in assignees[:2]) if len(assignees) < 3 else "all others"
            assign = Command(
                label=gettext("Assign to me instead of %(names)s") % {"names": names}
                if assignees
                else gettext("Assign to me"),
                icon="user",
                url=reverse("tasks-update"),
                keywords="mine take",
                is_post=True,
                values={"ids": str(task.pk), "assignee": "me", "next": page},
            )
            commands.append(assign)
        commands.append(action("Duplicate", "copy", "task-duplicate", keywords="copy"))
    return commands
