from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.auth.requests import get_request_user
from core.admin import ReadOnlyAdmin, ServiceAdmin
from core.clock import current_time
from tasks.admin.base import ProjectScopedAdmin
from tasks.admin.forms import LabelForm, MemberForm, ProjectForm, StateForm
from tasks.members import services as members
from tasks.models import CalendarFeed, Label, Project, ProjectFavourite, ProjectMember, Section, State, TaskTemplate
from tasks.projects import labels, states
from tasks.projects import services as projects


@admin.register(Project)
class ProjectAdmin(ServiceAdmin):
    form = ProjectForm
    list_display = ("key", "name", "owner", "is_inbox", "created_at", "archived_at")
    list_filter = ("is_inbox", ("archived_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("=key", "name", "=owner__email")
    ordering = ("key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return Project.objects.visible_to(get_request_user(request))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = ["key", "name", "description"]
        return (
            [*fields, "wip_policy", "archived", "version", "owner", "is_inbox", "next_number", "updated_at"]
            if obj
            else fields
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("key", "owner", "is_inbox", "next_number", "updated_at") if obj else ()

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        projects.delete(actor=get_request_user(request), ref=str(obj.pk), now=current_time())


@admin.register(ProjectMember)
class ProjectMemberAdmin(ProjectScopedAdmin):
    form = MemberForm
    immutable_fields = ("project", "user")
    list_display = ("user", "project", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    search_fields = ("user__name", "=user__email", "=project__key")
    ordering = ("project__key", "user__name", "pk")
    raw_id_fields = ("project", "user")

    def delete_model(self, request: HttpRequest, obj: ProjectMember) -> None:
        members.remove(
            actor=get_request_user(request), ref=str(obj.project_id), user_id=obj.user_id, now=current_time()
        )


@admin.register(State)
class StateAdmin(ProjectScopedAdmin):
    form = StateForm
    immutable_fields = ("project", "category", "slug", "position")
    list_display = ("name", "project", "slug", "category", "position", "wip_limit")
    list_filter = ("category",)
    list_select_related = ("project",)
    search_fields = ("name", "=slug", "=project__key")
    ordering = ("project__key", "position", "pk")
    raw_id_fields = ("project",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = ["project", "name", "category", "wip_limit"]
        return [*fields, "slug", "position"] if obj else fields

    def delete_model(self, request: HttpRequest, obj: State) -> None:
        states.delete(actor=get_request_user(request), ref=str(obj.project_id), state_id=obj.pk, now=current_time())


@admin.register(Label)
class LabelAdmin(ProjectScopedAdmin):
    form = LabelForm
    list_display = ("name", "project", "colour", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=project__key")
    ordering = ("project__key", "name", "pk")
    raw_id_fields = ("project",)

    def delete_model(self, request: HttpRequest, obj: Label) -> None:
        labels.delete(actor=get_request_user(request), label_id=obj.pk, now=current_time())


@admin.register(ProjectFavourite)
class ProjectFavouriteAdmin(ReadOnlyAdmin):
    list_display = ("user", "project", "position", "created_at")
    list_select_related = ("user", "project")
    search_fields = ("user__name", "=project__key")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectFavourite]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(project__in=visible)


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyAdmin):
    """Admin of calendar feeds, without what would open them."""

    list_display = ("user", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__name",)
    fields = ("user", "created_at")
    ordering = ("-pk",)


@admin.register(Section)
class SectionAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "position", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=project__key")
    ordering = ("project__key", "position", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Section]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(project__in=visible)


@admin.register(TaskTemplate)
class TaskTemplateAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "created_at")
    list_select_related = ("project",)
    search_fields = ("name", "=project__key")
    fields = ("name", "project", "created_at")
    ordering = ("project__key", "name", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskTemplate]:
        visible = Project.objects.visible_to(get_request_user(request)).values("pk")
        return super().get_queryset(request).filter(project__in=visible)
