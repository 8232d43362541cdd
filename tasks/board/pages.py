"""Board of a project: its tasks as cards in a column for each status."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.models import User
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from core.forms import parse_uuid
from core.htmx import render_page, report_error, requested_fragment, sender_url
from tasks import policies
from tasks.board import selectors, services
from tasks.board.forms import MoveCardForm, NewCardForm
from tasks.filters.list_filter import read_filter
from tasks.items import drafts
from tasks.items import selectors as items_selectors
from tasks.items import services as items
from tasks.models import Project
from tasks.models.task import CLOSED_CATEGORIES
from tasks.projects import selectors as projects_selectors
from tasks.projects import wip_limits
from tasks.undo.tokens import add_undo_message

FRAGMENTS = {"board": "tasks/_board.html"}
SWIMLANES = {"assignee": "Assignee", "priority": "Priority"}


@login_required
@require_safe
def board(request: HttpRequest, key: str) -> HttpResponse:
    """Show the board of a project; htmx gets the columns alone."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    return render_page(request, "tasks/board.html", board_context(request, reader, project), fragments=FRAGMENTS)


def board_context(
    request: HttpRequest, reader: User, project: Project, query: QueryDict | None = None
) -> dict[str, Any]:
    """Return the context of a project's board. The query string is that of the board, also after a form was sent."""
    query = request.GET if query is None else query
    now = current_time()
    list_filter = read_filter(reader, query, now=now, project=project)
    category = list_filter.form.cleaned_data.get("category") or "open"
    states = projects_selectors.load_states(project)
    # What was finished is folded away until somebody asks for it, or filters by it.
    opened = query.getlist("open")
    visible = [state for state in states if category in {"open", "all", state.category}]
    folded = [
        state
        for state in visible
        if state.category in CLOSED_CATEGORIES and state.slug not in opened and category in {"open", "all"}
    ]
    columns = selectors.build_columns(
        reader,
        project,
        [state for state in visible if state not in folded],
        list_filter.filters,
        now=now,
        expanded=query.getlist("more"),
    )
    swimlanes = query.get("swimlanes", "")
    role = projects_selectors.project_role(reader, project)
    card_id = parse_uuid(query.get("card", ""))
    moving = next((card.task for column in columns for card in column.cards if card.task.pk == card_id), None)
    return {
        "project": project,
        "ancestors": projects_selectors.visible_ancestors(reader, project),
        "view": "board",
        "form": list_filter.form,
        "list_filter": list_filter,
        "chips": list_filter.chips,
        "columns": columns,
        "folded": folded,
        "swimlanes": selectors.split_into_swimlanes(columns, swimlanes) if swimlanes in SWIMLANES else [],
        "swimlane_choices": SWIMLANES.items(),
        "swimlane": swimlanes if swimlanes in SWIMLANES else "",
        "can_edit": policies.can_edit(role) and project.archived_at is None,
        "move_form": MoveCardForm(states=states),
        "moving": moving,
        "board_url": f"{reverse('project-board', args=[project.key])}{f'?{query.urlencode()}' if query else ''}",
        "closed_days": selectors.CLOSED_FOR.days,
    }


@login_required
@require_POST
def move_card(request: HttpRequest, key: str) -> HttpResponse:
    """Move a card to another status or place; htmx gets the board as it is then, also after an error."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    form = MoveCardForm(request.POST, states=projects_selectors.load_states(project))
    if not form.is_valid():
        messages.error(request, gettext("Choose a card and a status."))
        return _board_response(request, reader, project, status=422)
    data, status = form.cleaned_data, 200
    try:
        task = items_selectors.get_task(reader, str(data["task"]))
        if task.project_id != project.pk:
            raise NotFound(gettext("This task isn't in the project any more."))
        moved = services.move_card(
            actor=reader,
            task=task,
            status=data["status"],
            before=data["before"],
            after=data["after"],
            place=data["place"],
            seen=data["seen"],
            now=current_time(),
            versions=None if data["version"] is None else frozenset({data["version"]}),
        )
    except (VersionConflict, Conflict, Invalid, NotFound) as error:
        status = report_error(
            request, error, conflict=gettext("The task was moved meanwhile. The board shows where it is.")
        )
    else:
        add_undo_message(request, gettext("%(key)s moved to %(name)s.") % {"key": moved.key, "name": moved.state.name})
        if warning := wip_limits.warning(moved.state):
            messages.warning(request, warning)
    return _board_response(request, reader, project, status=status)


@login_required
@require_POST
def add_card(request: HttpRequest, key: str) -> HttpResponse:
    """Create a task by its title in the column of a status."""
    reader = get_request_user(request)
    project = projects_selectors.get_project(reader, key)
    form = NewCardForm(request.POST, states=projects_selectors.load_states(project))
    status = 200
    if form.is_valid():
        draft = drafts.TaskDraft(title=form.cleaned_data["title"], status=form.cleaned_data["status"])
        try:
            task = items.create(actor=reader, draft=draft, now=current_time(), project_ref=str(project.pk))
        except (Invalid, Conflict) as error:
            status = report_error(request, error)
        else:
            add_undo_message(request, gettext("%(key)s created.") % {"key": task.key})
            if warning := wip_limits.warning(task.state):
                messages.warning(request, warning)
    else:
        status = 422
        messages.error(request, gettext("A task needs a title of at most 500 characters."))
    return _board_response(request, reader, project, status=status)


def _board_response(request: HttpRequest, reader: User, project: Project, *, status: int) -> HttpResponse:
    url = sender_url(request, reverse("project-board", args=[project.key]))
    if not requested_fragment(request):
        return redirect(url)
    context = board_context(request, reader, project, QueryDict(url.partition("?")[2]))
    return render_page(request, "tasks/board.html", context, fragments=FRAGMENTS, status=status)
