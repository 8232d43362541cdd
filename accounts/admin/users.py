"""Admin of users, which calls the administration services."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminEmailInputWidget
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.admin.site import RequiresRecentLoginAdmin
from accounts.auth.forms import NewPasswordField
from accounts.auth.passwords import pwned_passwords
from accounts.auth.passwords.validators import BREACHED
from accounts.auth.requests import get_request_user
from accounts.models import Session, User
from accounts.users import administration
from accounts.users.forms import time_zones
from core.admin import ServiceAdmin, ServiceForm
from core.clock import current_time
from core.forms import EmailField


class NewPasswordForm(ServiceForm):
    """A form with a password that BreachCheckAdmin has looked up: the form is validated within a transaction."""

    password_is_breached: ClassVar[bool] = False
    email = EmailField(widget=AdminEmailInputWidget())

    def clean_password(self) -> str:
        if self.password_is_breached:
            raise forms.ValidationError(BREACHED, code="password_breached")
        return str(self.cleaned_data["password"])


class UserCreateForm(NewPasswordForm):
    """Registers a user with a role and a tier."""

    password = NewPasswordField("Password")

    class Meta:
        model = User
        fields = ["email", "name", "password", "role", "tier"]

    def write(self, data: dict[str, Any]) -> User:
        return administration.create_user_as_admin(actor=self.actor, now=current_time(), **data)


class UserChangeForm(NewPasswordForm):
    """All editable fields of a user; `version` protects concurrent changes from being overwritten."""

    time_zone = forms.ChoiceField()  # its choices depend on the user
    language = forms.ChoiceField(choices=settings.LANGUAGES)
    password = forms.CharField(
        label="New password",
        required=False,
        max_length=200,
        strip=False,
        help_text="Leave empty to keep the current one. A new password signs the user out of all devices.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = User
        fields = [
            "name", "email", "handle", "role", "tier", "is_active", "time_zone", "language", "password", "version",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "time_zone" in self.fields:
            choices = [(zone, zone) for zone in time_zones(self.instance.time_zone)]
            self.fields["time_zone"] = forms.ChoiceField(choices=choices)

    def write(self, data: dict[str, Any]) -> User:
        now, password, version = current_time(), data["password"], data["version"]
        # Naming `is_active: False` again would invalidate the link that cancels a deletion.
        omitted = {"password", "version"} | ({"is_active"} - set(self.changed_data))
        changes = {name: value for name, value in data.items() if name not in omitted}
        user = administration.update_user(
            actor=self.actor, user_id=self.instance.pk, changes=changes, now=now, versions=frozenset({version})
        )
        if password:
            return administration.set_password(actor=self.actor, user_id=user.pk, password=password, now=now)
        return user


class BreachCheckAdmin(ServiceAdmin):
    """Checks a new password for breaches before Django's admin opens its transaction."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_breached = pwned_passwords.is_breached(request.POST.get("password", ""))
        request.password_is_breached = is_breached  # type: ignore[attr-defined]
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        return response

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.password_is_breached = getattr(request, "password_is_breached", False)
        return form


@admin.register(User)
class UserAdmin(RequiresRecentLoginAdmin, BreachCheckAdmin):
    """Users; they are deactivated instead of deleted."""

    list_display = ("name", "email", "handle", "role", "tier", "is_active", "created_at")
    list_filter = ("role", "tier", "is_active")
    search_fields = ("name", "email", "handle")
    ordering = ("name", "pk")
    readonly_fields = ("created_at", "last_login")
    actions = ("deactivate", "activate", "sign_out")

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=UserChangeForm if change else UserCreateForm, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*UserChangeForm.Meta.fields, *self.readonly_fields] if obj else UserCreateForm.Meta.fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # projects, tasks and comments refer to their authors

    @admin.action(description="Deactivate and sign out of all devices")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=False)

    @admin.action(description="Activate")
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._set_active(request, queryset, active=True)

    def _set_active(self, request: HttpRequest, users: QuerySet[User], *, active: bool) -> None:
        def update(user: User) -> None:
            administration.update_user(
                actor=get_request_user(request), user_id=user.pk, changes={"is_active": active}, now=current_time()
            )

        self.each(request, users, update, "activated" if active else "deactivated")

    @admin.action(description="Sign out of all devices")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        sessions = Session.objects.filter(user__in=queryset).values_list("pk", flat=True)
        count = administration.revoke_sessions(
            actor=get_request_user(request), session_ids=list(sessions), now=current_time()
        )
        self.message_user(request, f"{count} sessions revoked.")
