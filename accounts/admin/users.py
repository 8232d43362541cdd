from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin.reauthentication import RequiresRecentLoginAdmin
from accounts.auth.passwords.validators import breach_check
from accounts.auth.requests import get_request_user
from accounts.models import Session, User
from accounts.users import administration
from accounts.users.forms import time_zones
from core.admin import ReadOnlyAdmin, ServiceAdmin, ServiceForm


class UserCreateForm(ServiceForm):
    password = forms.CharField(
        max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ["email", "name", "password", "role", "tier"]

    def write(self, sent: dict[str, Any]) -> User:
        return administration.create_user_as_admin(actor=self.actor, now=timezone.now(), **sent)


class UserChangeForm(ServiceForm):
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
        user = administration.update_user(
            actor=self.actor, user_id=self.instance.pk, changes=changes, now=now, versions=frozenset({version})
        )
        if password:
            return administration.set_password(actor=self.actor, user_id=user.pk, password=password, now=now)
        return user


class BreachCheckAdmin(ServiceAdmin):
    def changeform_view(self, request: HttpRequest, *args: Any, **words: Any) -> HttpResponse:
        """Django holds a transaction around all of this, so it is asked about a new password before."""
        with breach_check(request.POST.get("password", "")):
            shown: HttpResponse = super().changeform_view(request, *args, **words)
            return shown


@admin.register(User)
class UserAdmin(RequiresRecentLoginAdmin, BreachCheckAdmin):
    list_display = ("name", "email", "handle", "role", "tier", "is_active", "created_at")
    list_filter = ("role", "tier", "is_active")
    search_fields = ("name", "email", "handle")
    ordering = ("name", "pk")
    readonly_fields = ("created_at", "last_login")
    actions = ("deactivate", "activate", "sign_out")

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **words: Any) -> Any:
        return super().get_form(request, obj, change, form=UserChangeForm if change else UserCreateForm, **words)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*UserChangeForm.Meta.fields, *self.readonly_fields] if obj else UserCreateForm.Meta.fields

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
        def verb(user: User) -> None:
            administration.update_user(
                actor=get_request_user(request), user_id=user.pk, changes={"is_active": active}, now=timezone.now()
            )

        self.each(request, people, verb, "activated" if active else "deactivated")

    @admin.action(description="End all sessions, in browsers and programs")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        sessions = Session.objects.filter(user__in=queryset).values_list("pk", flat=True)
        ended = administration.revoke_sessions(
            actor=get_request_user(request), session_ids=list(sessions), now=timezone.now()
        )
        self.message_user(request, f"{ended} sessions ended.")


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "user",
        "kind",
        "device_name",
        "ip_address",
        "created_at",
        "last_seen_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("=user__email", "=ip_address")
    ordering = ("-id",)
    fields = ("user", "kind", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at", "revoked_at")
    actions = ("end",)

    @admin.action(description="End these sessions")
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        ended = administration.revoke_sessions(actor=get_request_user(request), session_ids=chosen, now=timezone.now())
        self.message_user(request, f"{ended} sessions ended.")
