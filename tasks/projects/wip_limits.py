"""Limits of work in progress: how many tasks a state of a project may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext

from core.errors import Conflict
from tasks.models import Project, State, Task, WipPolicy

CODE = "wip_limit"


def require_room(project: Project, entered: Iterable[State]) -> None:
    """Raise Conflict when entering tasks exceed a limit and the project refuses that.

    Call it in the transaction that then writes the tasks, with one state for each of them.
    """
    # In the order of their ids, so that two transactions never wait for each other's second state.
    for state_id, count in sorted(Counter(state.pk for state in entered if state.wip_limit is not None).items()):
        # The lock makes the next one count what this transaction writes.
        state = State.objects.select_for_update(no_key=True).get(pk=state_id)
        # Read under the lock as well: it may have been switched over meanwhile.
        policy = Project.objects.values_list("wip_policy", flat=True).get(pk=project.pk)
        if state.wip_limit is None or policy != WipPolicy.REFUSE:
            continue
        if Task.objects.filter(state=state).count() + count > state.wip_limit:
            raise Conflict(
                f"{state.name} is full: its limit is {state.wip_limit} task{'' if state.wip_limit == 1 else 's'}.",
                code=CODE,
            )


def warning(state: State) -> str:
    """Return what a page says of a state beyond its limit; empty otherwise."""
    if state.wip_limit is None or (count := Task.objects.filter(state=state).count()) <= state.wip_limit:
        return ""
    return gettext("%(name)s now has %(count)s tasks; its limit is %(wip_limit)s.") % {
        "name": state.name,
        "count": count,
        "wip_limit": state.wip_limit,
    }
