"""Adjectives: which projects and tasks. Visibility is asked by IN over the caller's own memberships."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import Exists, Func, OuterRef, Q

from core.prepared import OneOf

if TYPE_CHECKING:
    from accounts.models import User
    from tasks.models import Comment, Project, Task

CLOSED = ("done", "cancelled")
KEY = re.compile(r"([A-Za-z][A-Za-z0-9]{1,9})-([1-9][0-9]{0,8})\Z", re.ASCII)
WORD = re.compile(r"[^\W_]+")


def _one_of(field: str, values: list[Any]) -> Q:
    """The field is one of these values or expressions; `__in` takes no expression where the field is a key."""
    return Q(*((field, value) for value in values), _connector=Q.OR)


def _looked_up(found: models.QuerySet[Any, Any]) -> Func:
    """These keys, looked up before anything else.

    From a plain subquery PostgreSQL would rather walk through all there is in the order asked for, until enough of
    them have turned up; for somebody with few tasks that is the whole table.
    """
    return Func(ArraySubquery(found), template="SELECT unnest(%(expressions)s)", output_field=models.UUIDField())


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: User) -> Self:
        return self.seen_by(user.pk, overseer=user.is_overseer)

    def seen_by(self, user_id: Any, *, overseer: bool) -> Self:
        mine = self.model._default_manager.filter(memberships__user=user_id).values("pk")
        if overseer:
            return self.filter(Q(is_inbox=False) | Q(pk__in=mine))
        return self.filter(pk__in=mine)

    def current(self) -> Self:
        return self.filter(archived_at=None)


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, user: User) -> Self:
        return self.seen_by(user.pk, overseer=user.is_overseer, guest=user.is_guest)

    def seen_by(self, user_id: Any, *, overseer: bool, guest: bool = False) -> Self:
        """Those in the projects that the reader sees. A guest also sees single tasks of others; nobody else pays for
        looking."""
        projects: Any = self.model._meta.get_field("project").related_model
        members = projects.members.through._default_manager.filter(user=user_id)
        if overseer:
            mine = Q(project__in=projects._default_manager.seen_by(user_id, overseer=True).values("pk"))
        elif guest:  # as an array, so that one index is read for the projects and one for the tasks
            mine = Q(OneOf("project_id", ArraySubquery(members.values("project"))))
        else:
            mine = Q(project__in=members.values("project"))
        return self.filter(mine | self._shared_with(user_id) if guest else mine)

    def shared_with(self, user_id: Any) -> Self:
        """Those shared with this person one by one."""
        return self.filter(self._shared_with(user_id))

    def _shared_with(self, user_id: Any) -> Q:
        shares: Any = self.model._meta.get_field("shares").related_model
        return Q(OneOf("pk", ArraySubquery(shares.objects.filter(user=user_id).values("task"))))

    def open(self) -> Self:
        return self.filter(closed_at=None)

    def closed(self) -> Self:
        return self.filter(closed_at__isnull=False)

    def overdue(self, now: datetime, today: date, *, is_it: bool = True) -> Self:
        late = self.open().filter(Q(due_at__lt=now) | Q(due_date__lt=today))
        return late if is_it else self.exclude(pk__in=late.order_by().values("pk"))

    def in_categories(self, names: list[str]) -> Self:
        found = self.filter(category__in=names)
        return found if set(names) & set(CLOSED) else found.open()  # the same, said so that the open ones' index serves

    def due_from(self, day: date) -> Self:
        return self.filter(Q(due_at__date__gte=day) | Q(due_date__gte=day))

    def due_until(self, day: date) -> Self:
        return self.filter(Q(due_at__date__lte=day) | Q(due_date__lte=day))

    def assigned_to(self, user_ids: list[Any]) -> Self:
        """Assigned to any of these people; `none` among them means to nobody."""
        links = self.model.assignees.through.objects.all()
        people = [key for key in user_ids if key != "none"]
        wanted = Q(pk__in=_looked_up(links.filter(_one_of("user", people)).values("task"))) if people else Q()
        if "none" in user_ids:
            wanted |= Q(~Exists(links.filter(task=OuterRef("pk"))))
        return self.filter(wanted)

    def created_by(self, user_ids: list[Any]) -> Self:
        return self.filter(_one_of("creator", user_ids))

    def under(self, parent: Any, *, guest: Any = None) -> Self:
        """Whose parent is this task, or `none`; to a guest, a parent that they do not see is none."""
        if guest is None:
            return self.filter(parent=None if parent == "none" else parent)
        seen = self.model._default_manager.seen_by(guest, overseer=False, guest=True)
        if parent == "none":
            return self.filter(Q(parent=None) | Q(~Exists(seen.filter(pk=OuterRef("parent")))))
        return self.filter(Exists(seen.filter(pk=parent)), parent=parent)

    def labelled(self, names: list[str]) -> Self:
        links = self.model.labels.through.objects.filter(task=OuterRef("pk"), label__name__in=names)
        return self.filter(Exists(links))

    def matching(self, words: str) -> Self:
        """Tasks whose title or description hold words that begin like these, whose title is nearly this, or that key."""
        key = KEY.match(words.strip())
        if key and (named := self.at((key[1].upper(), int(key[2])))).exists():
            return named  # otherwise words: "covid-19" looks like a key too
        terms = WORD.findall(words)
        if not terms:
            return self.none()
        query = SearchQuery(" & ".join(f"{term}:*" for term in terms), config="simple", search_type="raw")
        return self.filter(Q(search=query) | Q(title__trigram_word_similar=words))

    def with_people(self) -> Self:
        people: Any = self.model._meta.get_field("assignees").related_model
        by_name = models.Prefetch("assignees", people.objects.order_by("name", "pk"))
        shown = self.select_related("project", "state", "creator", "parent__project")
        return shown.prefetch_related(by_name, "labels")

    def at(self, ref: UUID | tuple[str, int]) -> Self:
        if isinstance(ref, tuple):
            return self.filter(project__key=ref[0], number=ref[1])
        return self.filter(pk=ref)


class CommentQuerySet(models.QuerySet["Comment"]):
    def with_people(self) -> Self:
        return self.select_related("author")
