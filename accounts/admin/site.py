"""The administration's own doors: there is one way in, and one way to another password."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from accounts import policies
from accounts.models import User

admin.site.site_header = admin.site.site_title = "TaskFlow administration"
admin.site.unregister(Group)  # what people may do follows from their role


@never_cache
def login_redirect(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """One door for everybody: a second one would let people in who have not shown their second factor."""
    if isinstance(request.user, User):
        policies.require(admin.site.has_permission(request), "This is for administrators.")
        return redirect("admin:index")
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next') or reverse('admin:index')})}")


@never_cache
def password_change_redirect(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The administration's own page would give another password past our service, and keep every session open."""
    return redirect("account_change_password")


admin.site.login = login_redirect  # type: ignore[method-assign]
admin.site.password_change = password_change_redirect  # type: ignore[assignment, method-assign]
admin.site.password_change_done = password_change_redirect  # type: ignore[assignment, method-assign]
