"""The directory: for staff to look at, for administrators to decide in."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policies
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.requests import get_request_user
from accounts.models import User
from accounts.teams import selectors as teams_selectors
from accounts.users import administration, selectors
from accounts.users.forms import UserFilterForm
from core.api.pagination import PageRequest, Sort, paginate
from core.errors import Conflict, Invalid
from core.htmx import render_page

PAGE_SIZE = 50


@never_cache
@login_required
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    reader = get_request_user(request)
    form = UserFilterForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    search, state = asked.get("search", ""), asked.get("state") or "active"
    window = PageRequest(
        sorts={"name": Sort("name")},
        ordering="name",
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(reader.pk),
        filters=f"page:{state}:{search}",
    )
    context = {
        "form": form,
        "page": paginate(selectors.list_users(reader, search=search, state=state), window),
        "state": state,
    }
    return render_page(request, "accounts/user_list.html", context, fragments={"people": "accounts/_user_rows.html"})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def user_detail(request: HttpRequest, user_id: UUID) -> HttpResponse:
    reader = get_request_user(request)
    user = selectors.get_user_for_staff(reader, user_id)
    if request.method == "POST":
        return _update_user(request, reader, user)
    context = {
        "profile_user": user,
        "teams": teams_selectors.list_memberships(user),
        "roles": User.Role.choices,
        "can_manage": policies.can_manage_users(reader),
    }
    return render_page(request, "accounts/user_detail.html", context)


def _update_user(request: HttpRequest, reader: User, user: User) -> HttpResponse:
    """What an administrator's buttons say: another role, or whether the person may come in."""
    policies.require_manager(reader)
    changes: dict[str, object] = {}
    if role := request.POST.get("role"):
        if role not in User.Role.values:
            raise Invalid.field("role", "There is no such role.")
        changes["role"] = role
    if (active := request.POST.get("active")) in {"yes", "no"}:
        changes["is_active"] = active == "yes"
    if door := reauthentication_redirect(request, reverse("user-detail", args=[user.pk])):
        return door
    try:
        administration.update_user(actor=reader, user_id=user.pk, changes=changes, now=timezone.now())
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"{user.name} is changed.")
    return redirect("user-detail", user_id=user.pk)
