"""Admin site: sign-in, password change and re-authentication are those of the pages that all users have."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.models import User
from core.admin import BaseAdmin
from core.errors import require

admin.site.site_header = admin.site.site_title = "TaskFlow administration"
admin.site.unregister(Group)  # permissions follow from User.role


@never_cache
def login_redirect(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Redirect to the login page, since the admin's own would skip two-factor authentication."""
    if isinstance(request.user, User):
        require(admin.site.has_permission(request), "Only administrators can open the administration.")
        return redirect("admin:index")
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next') or reverse('admin:index')})}")


@never_cache
def password_change_redirect(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """Redirect to the password page, since the admin's own would leave all sessions open."""
    return redirect("account_change_password")


admin.site.login = login_redirect  # type: ignore[method-assign]
admin.site.password_change = password_change_redirect  # type: ignore[assignment, method-assign]
admin.site.password_change_done = password_change_redirect  # type: ignore[assignment, method-assign]


class RequiresRecentLoginAdmin(BaseAdmin):
    """Requires a recent login for every POST, form or action; goes first among the base classes."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = _reauthentication_response(request) or super().changeform_view(
            request, *args, **kwargs
        )
        return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return _reauthentication_response(request) or super().changelist_view(request, extra_context)


def _reauthentication_response(request: HttpRequest) -> HttpResponse | None:
    return reauthentication_redirect(request, request.get_full_path()) if request.method == "POST" else None
