"""The parameters of the lists."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts.models import User
from gateway.fields import Day, Instant
from gateway.pagination import PageQuery
from gateway.query import Flag, Ids, Query, Words
from tasks.api.serializers import PRIORITIES
from tasks.models import Category
from tasks.selectors import SORTS, TaskFilters

ORDERINGS = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]


class StatsQuery(Query):
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    assignee = Ids(words=("me", "none"), required=False, help_text="Comma-separated ids, `me` or `none`.")


class TaskQuery(PageQuery):
    search = serializers.CharField(required=False, max_length=200, help_text="Words, or a key like OPS-42.")
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")
    status = Words(required=False)
    category = Words(choices=Category.values, required=False)
    priority = Words(choices=PRIORITIES, required=False)
    assignee = Ids(words=("me", "none"), required=False, help_text="Comma-separated ids, `me` or `none`.")
    creator = Ids(words=("me",), required=False, help_text="Comma-separated ids or `me`.")
    label = Words(required=False)
    parent = Ids(words=("none",), required=False, help_text="The id of a task, or `none`, as the reader sees it.")
    overdue = Flag(required=False)
    due_after = Day(required=False)
    due_before = Day(required=False)
    updated_since = Instant(required=False)
    ordering = serializers.ChoiceField(choices=ORDERINGS, required=False)
    include = Words(choices=["description"], required=False)

    def validate_parent(self, value: list[str]) -> list[str]:
        if len(value) != 1:
            raise serializers.ValidationError("Give one id, or `none`.", "invalid")
        return value


class ProjectQuery(PageQuery):
    search = serializers.CharField(required=False, max_length=100)
    archived = Flag(required=False)
    ordering = serializers.ChoiceField(choices=["name", "-name", "created_at", "-created_at"], required=False)


class LabelQuery(PageQuery):
    project = serializers.CharField(required=False, max_length=40, help_text="Id or key.")


def filters_of(wanted: dict[str, Any], user: User, now: datetime | None = None) -> TaskFilters:
    """Return the filters a reader asked for, with the reader's own clock and calendar."""
    now = now or timezone.now()
    names = ("search", "project", "status", "category", "assignee", "creator", "label")
    rest = ("overdue", "due_after", "due_before", "updated_since")
    return TaskFilters(
        now=now,
        today=now.astimezone(zoneinfo.ZoneInfo(user.time_zone)).date(),
        priority=[PRIORITIES.index(name) for name in wanted.get("priority", [])],
        parent=(wanted.get("parent") or [""])[0],
        **{name: wanted[name] for name in (*names, *rest) if name in wanted},
    )
