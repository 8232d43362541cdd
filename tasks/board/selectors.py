"""Reads of a project's board: a column for each status, with its first cards in their manual order."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext

from accounts.models import User
from tasks.filters import selectors as filters_selectors
from tasks.filters.selectors import TaskFilters
from tasks.models import Attachment, Comment, Project, RelationKind, State, Task, TaskRelation
from tasks.models.task import CLOSED_CATEGORIES, Priority

# The browser draws the cards, so their number is what makes a board slow, not the query.
CARDS_PER_COLUMN, EXPANDED_CARDS = 25, 200
# A column of closed tasks holds what was closed lately; the list has the others.
CLOSED_FOR = timedelta(days=7)
MAX_SWIMLANES = 30


@dataclass(frozen=True, slots=True)
class Card:
    """A task as the board shows it."""

    task: Task
    comments: int
    attachments: int
    is_blocked: bool


@dataclass(slots=True)
class Column:
    """A status with its first cards; `count` is that of all its tasks."""

    state: State
    count: int
    cards: list[Card] = field(default_factory=list)
    is_expanded: bool = False

    @property
    def is_full(self) -> bool:
        return self.state.wip_limit is not None and self.count >= self.state.wip_limit

    @property
    def is_over_limit(self) -> bool:
        return self.state.wip_limit is not None and self.count > self.state.wip_limit

    @property
    def hidden_count(self) -> int:
        return self.count - len(self.cards)


@dataclass(frozen=True, slots=True)
class Swimlane:
    """A swimlane: the cards of one assignee or priority, by column."""

    name: str
    columns: list[Column]


def build_columns(
    user: User,
    project: Project,
    states: Sequence[State],
    filters: TaskFilters,
    *,
    now: datetime,
    expanded: Collection[str] = (),
) -> list[Column]:
    """Return a column for each of the states; eight queries, however many tasks there are.

    `expanded` are the slugs of columns that show up to EXPANDED_CARDS cards.
    """
    rows = filters_selectors.filter_visible(user, replace(filters, project=project.key, category=[]))
    columns = [Column(state, 0, is_expanded=state.slug in expanded) for state in states]
    if not columns:
        return []
    since = now - CLOSED_FOR
    counts = dict(
        rows.filter(Q(closed_at=None) | Q(closed_at__gte=since)).order_by().values_list("state").annotate(Count("pk"))
    )
    listed = []
    for column in columns:
        column.count = counts.get(column.state.pk, 0)
        tasks = rows.filter(state=column.state.pk)
        if column.state.category in CLOSED_CATEGORIES:
            # An index has the order of the updates, and a task is updated when it is closed.
            tasks = tasks.filter(updated_at__gte=since, closed_at__gte=since).order_by("-updated_at", "-pk")
        else:
            tasks = tasks.order_by("position")
        listed.append(tasks.values_list("pk", flat=True)[: EXPANDED_CARDS if column.is_expanded else CARDS_PER_COLUMN])
    ids = list(listed[0].union(*listed[1:], all=True)) if len(listed) > 1 else list(listed[0])
    by_state: dict[uuid.UUID, list[Task]] = {column.state.pk: [] for column in columns}
    for task in Task.objects.filter(pk__in=ids).with_relations().order_by("position"):
        by_state[task.state_id].append(task)
    cards = {card.task.pk: card for card in _build_cards(user, [task for tasks in by_state.values() for task in tasks])}
    for column in columns:
        listed_tasks = by_state[column.state.pk]
        if column.state.category in CLOSED_CATEGORIES:
            listed_tasks.sort(key=lambda task: task.closed_at or now, reverse=True)
        column.cards = [cards[task.pk] for task in listed_tasks]
    return columns


def _build_cards(user: User, tasks: Sequence[Task]) -> list[Card]:
    ids = [task.pk for task in tasks]
    comments = dict(Comment.objects.filter(task__in=ids).values_list("task").annotate(Count("pk")))
    attachments = dict(Attachment.objects.filter(task__in=ids).values_list("task").annotate(Count("pk")))
    visible = Task.objects.visible_to(user).open().filter(pk=OuterRef("source"))
    blocked = set(
        TaskRelation.objects.filter(Exists(visible), kind=RelationKind.BLOCKS, target__in=ids).values_list(
            "target", flat=True
        )
    )
    return [
        Card(task, comments.get(task.pk, 0), attachments.get(task.pk, 0), task.pk in blocked and not task.is_closed)
        for task in tasks
    ]


def split_into_swimlanes(columns: Sequence[Column], by: str) -> list[Swimlane]:
    """Return the loaded cards as swimlanes by `assignee` or `priority`; a task of two assignees stands in both."""
    keys: dict[str, str] = {}
    cells: dict[tuple[str, uuid.UUID], list[Card]] = {}
    for column in columns:
        for card in column.cards:
            for key, name in _swimlane_keys(card.task, by):
                keys[key] = name
                cells.setdefault((key, column.state.pk), []).append(card)
    # By name, with those without a person or priority last; priorities from the highest.
    order = sorted(keys, key=lambda key: (key in {"", "0"}, -int(key) if by == "priority" else 0, keys[key].casefold()))
    return [
        Swimlane(
            keys[key],
            [Column(column.state, column.count, cells.get((key, column.state.pk), [])) for column in columns],
        )
        for key in order[:MAX_SWIMLANES]
    ]


def _swimlane_keys(task: Task, by: str) -> list[tuple[str, str]]:
    if by == "priority":
        return [(str(task.priority), str(Priority(task.priority).label) if task.priority else gettext("No priority"))]
    return [(str(user.pk), user.name) for user in task.assignees.all()] or [("", "Unassigned")]


def end_of_column(user: User, project: Project, status: str, *, is_top: bool, without: uuid.UUID) -> uuid.UUID | None:
    """Return the first or last visible task of a status, other than this one; None if there is no other."""
    rows = Task.objects.visible_to(user).filter(project=project, state__slug=status).exclude(pk=without)
    return rows.order_by("position" if is_top else "-position").values_list("pk", flat=True).first()
