from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from accounts import admin_identity, admin_keys, admin_people, policies, services  # noqa: F401 -- registers its pages
from accounts.forms import time_zones
from accounts.models import Session, Team, TeamMember, User
from accounts.views.parts import person_of
from core.admin import ReadOnlyAdmin, ServiceAdmin, ServiceForm

admin.site.site_header = admin.site.site_title = "TaskFlow administration"
admin.site.unregister(Group)  # what people may do follows from their role


@never_cache
def sign_in(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """One door for everybody: a second one would let people in who have not shown their second factor."""
    if isinstance(request.user, User):
        policies.require(admin.site.has_permission(request), "This is for administrators.")
        return redirect("admin:index")
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next') or reverse('admin:index')})}")


@never_cache
def to_own_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The administration's own page would give another password past our service, and keep every session open."""
    return redirect("account_change_password")


admin.site.login = sign_in  # type: ignore[method-assign]
admin.site.password_change = to_own_password  # type: ignore[assignment, method-assign]
admin.site.password_change_done = to_own_password  # type: ignore[assignment, method-assign]


class NewPersonForm(ServiceForm):
    password = forms.CharField(
        max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ["email", "name", "password", "role", "tier"]

    def write(self, sent: dict[str, Any]) -> User:
        return services.create_person(actor=self.actor, now=timezone.now(), **sent)


class PersonForm(ServiceForm):
    """Everything about a person in one form; `version` refuses to undo what somebody else has just changed."""

    time_zone = forms.ChoiceField(choices=lambda: [(zone, zone) for zone in time_zones()])
    language = forms.ChoiceField(choices=settings.LANGUAGES)
    password = forms.CharField(
        label="New password",
        required=False,
        max_length=200,
        strip=False,
        help_text="Empty keeps the present one. A new one signs the person out everywhere.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = User
        fields = [
            "name", "email", "handle", "role", "tier", "is_active", "time_zone", "language", "password", "version",
        ]  # fmt: skip

    def write(self, sent: dict[str, Any]) -> User:
        now, password, version = timezone.now(), sent["password"], sent["version"]
        kept = {"password", "version"} | {"is_active"} - set(self.changed_data)
        changes = {name: value for name, value in sent.items() if name not in kept}
        changes["email"] = changes["email"].lower()
        person = services.update_person(
            actor=self.actor, person_id=self.instance.pk, changes=changes, now=now, versions=frozenset({version})
        )
        if password:
            return services.set_password(actor=self.actor, person_id=person.pk, password=password, now=now)
        return person


@admin.register(User)
class UserAdmin(ServiceAdmin):
    list_display = ("name", "email", "handle", "role", "tier", "is_active", "created_at")
    list_filter = ("role", "tier", "is_active")
    search_fields = ("name", "email", "handle")
    ordering = ("name", "pk")
    readonly_fields = ("created_at", "last_login")
    actions = ("deactivate", "activate", "sign_out")

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **words: Any) -> Any:
        return super().get_form(request, obj, change, form=PersonForm if change else NewPersonForm, **words)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*PersonForm.Meta.fields, *self.readonly_fields] if obj else NewPersonForm.Meta.fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Projects, tasks and comments name the people who made them: deactivate instead."""
        return False

    @admin.action(description="Deactivate: sign out everywhere and refuse to sign in")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=False)

    @admin.action(description="Activate again")
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=True)

    def _set_active(self, request: HttpRequest, people: QuerySet[User], *, active: bool) -> None:
        def verb(person: User) -> None:
            services.update_person(
                actor=person_of(request), person_id=person.pk, changes={"is_active": active}, now=timezone.now()
            )

        self.each(request, people, verb, "activated" if active else "deactivated")

    @admin.action(description="End all sessions, in browsers and programs")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        sessions = Session.objects.filter(user__in=queryset).values_list("pk", flat=True)
        ended = services.end_sessions(actor=person_of(request), session_ids=list(sessions), now=timezone.now())
        self.message_user(request, f"{ended} sessions ended.")


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "user",
        "kind",
        "device_name",
        "address",
        "created_at",
        "rotated_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("=user__email", "=address")
    ordering = ("-id",)
    fields = ("user", "kind", "user_agent", "address", "created_at", "rotated_at", "expires_at", "revoked_at")
    actions = ("end",)

    @admin.action(description="End these sessions")
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        ended = services.end_sessions(actor=person_of(request), session_ids=chosen, now=timezone.now())
        self.message_user(request, f"{ended} sessions ended.")


class TeamForm(ServiceForm):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Team
        fields = ["name", "version"]

    def write(self, sent: dict[str, Any]) -> Team:
        if self.instance._state.adding:
            return services.create_team(actor=self.actor, name=sent["name"])
        versions = frozenset({sent["version"] or 0})
        services.rename_team(actor=self.actor, team_id=self.instance.pk, name=sent["name"], versions=versions)
        return Team.objects.get(pk=self.instance.pk)


@admin.register(Team)
class TeamAdmin(ServiceAdmin):
    form = TeamForm
    list_display = ("name", "members", "created_at")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(member_count=Count("memberships"))

    @admin.display(ordering="member_count")
    def members(self, team: Team) -> int:
        return int(team.member_count)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        services.delete_team(actor=person_of(request), team_id=obj.pk)


class TeamMemberForm(ServiceForm):
    class Meta:
        model = TeamMember
        fields = ["team", "user", "role"]

    def write(self, sent: dict[str, Any]) -> TeamMember:
        team, user = sent.get("team", self.instance.team_id), sent.get("user", self.instance.user_id)
        return services.add_team_member(
            actor=self.actor, team_id=getattr(team, "pk", team), user_id=getattr(user, "pk", user), role=sent["role"]
        )


@admin.register(TeamMember)
class TeamMemberAdmin(ServiceAdmin):
    form = TeamMemberForm
    list_display = ("user", "team", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "team")
    search_fields = ("user__name", "=user__email", "team__name")
    ordering = ("team__name", "user__name", "pk")
    raw_id_fields = ("team", "user")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("team", "user") if obj else ()

    def delete_model(self, request: HttpRequest, obj: TeamMember) -> None:
        services.remove_team_member(actor=person_of(request), team_id=obj.team_id, user_id=obj.user_id)
