"""Saved filters, subscriptions to them, and the tasks that match a subscription."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Team, TeamMember, User
from core.db import uuid7
from core.validators import validate_single_line
from tasks.models.project import Project, ProjectMember
from tasks.models.task import Task


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: User) -> Self:
        """Return a user's own filters, and those that are shared with the user."""
        projects = ProjectMember.objects.filter(user=user).values("project")
        teams = TeamMember.objects.filter(user=user).values("team")
        return self.filter(Q(owner=user) | Q(everyone=True) | Q(project__in=projects) | Q(team__in=teams))


class SavedFilter(models.Model):
    """A filter under a name. Sharing it shares its text: each reader sees the tasks that they may see.

    It is private unless it is shared with a project, a team or everyone; it becomes private again when that is deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=100, validators=[validate_single_line])
    filter = models.TextField(max_length=2_000, help_text="In canonical form.")
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, blank=True, related_name="saved_filters")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="saved_filters")
    everyone = models.BooleanField(default=False)
    # How the list shows the tasks; empty for the defaults.
    ordering = models.CharField(max_length=40, blank=True, default="")
    grouping = models.CharField(max_length=20, blank=True, default="")
    columns = models.JSONField(blank=True, default=list)
    # Of the owner's list.
    position = models.PositiveIntegerField(default=0)
    is_favourite = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="a_user_has_one_saved_filter_of_a_name"),
            models.CheckConstraint(name="a_saved_filter_is_not_empty", condition=~Q(filter="")),
            models.CheckConstraint(
                name="a_saved_filter_is_shared_in_one_way",
                condition=Q(project=None, team=None) | Q(project=None, everyone=False) | Q(team=None, everyone=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FilterSubscriptionQuerySet(models.QuerySet["FilterSubscription"]):
    def active(self) -> Self:
        """Return the subscriptions of active users who can still see the filter."""
        member = ProjectMember.objects.filter(project=OuterRef("saved_filter__project"), user=OuterRef("user"))
        team_member = TeamMember.objects.filter(team=OuterRef("saved_filter__team"), user=OuterRef("user"))
        own = Q(saved_filter__owner=F("user")) | Q(saved_filter__everyone=True)
        return self.filter(own | Q(Exists(member)) | Q(Exists(team_member)), user__is_active=True)


class FilterSubscription(models.Model):
    """A user who wants to know when a task enters a saved filter."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    saved_filter = models.ForeignKey(
        SavedFilter, on_delete=models.CASCADE, related_name="subscriptions", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="filter_subscriptions")
    # False from a change of the filter's text until its matches are found anew, which notifies nobody.
    is_current = models.BooleanField(default=True)
    # When the clock may have let tasks enter; null for a filter that does not depend on it.
    next_check_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = FilterSubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["saved_filter", "user"], name="a_user_subscribes_to_a_saved_filter_once"),
        ]
        indexes = [
            models.Index(
                fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="filter_subscription_check"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} to {self.saved_filter_id}"


class FilterMatch(models.Model):
    """A task that is in the filter of a subscription now. Its user was told when it entered."""

    subscription = models.ForeignKey(
        FilterSubscription, on_delete=models.CASCADE, related_name="matches", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="filter_matches")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "task"], name="a_task_enters_a_subscribed_filter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} in {self.subscription_id}"
