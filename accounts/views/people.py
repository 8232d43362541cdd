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

from accounts import policies, selectors, services
from accounts.adapters.confirming import confirmation
from accounts.callers import person_of
from accounts.forms import PeopleForm
from accounts.models import User
from core.errors import Conflict, Invalid
from core.htmx import page
from gateway.pagination import Sort, Window, take

PAGE_SIZE = 50


@never_cache
@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    reader = person_of(request)
    form = PeopleForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    words, state = asked.get("search", ""), asked.get("state") or "active"
    window = Window(
        sorts={"name": Sort("name")},
        ordering="name",
        limit=PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(reader.pk),
        filters=f"page:{state}:{words}",
    )
    context = {"form": form, "piece": take(selectors.people(reader, words=words, state=state), window), "state": state}
    return page(request, "accounts/people.html", context, fragments={"people": "accounts/_people.html"})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_page(request: HttpRequest, user_id: UUID) -> HttpResponse:
    reader = person_of(request)
    person = selectors.get_person(reader, user_id)
    if request.method == "POST":
        return _decide(request, reader, person)
    context = {
        "person": person,
        "teams": selectors.teams_of(person),
        "roles": User.Role.choices,
        "can_manage": policies.can_manage_people(reader),
    }
    return page(request, "accounts/person.html", context)


def _decide(request: HttpRequest, reader: User, person: User) -> HttpResponse:
    """What an administrator's buttons say: another role, or whether the person may come in."""
    policies.require_manager(reader)
    changes: dict[str, object] = {}
    if role := request.POST.get("role"):
        if role not in User.Role.values:
            raise Invalid.field("role", "There is no such role.")
        changes["role"] = role
    if (active := request.POST.get("active")) in {"yes", "no"}:
        changes["is_active"] = active == "yes"
    if door := confirmation(request, reverse("person", args=[person.pk])):
        return door
    try:
        services.update_person(actor=reader, person_id=person.pk, changes=changes, now=timezone.now())
    except Conflict as refusal:
        messages.error(request, refusal.detail)
    else:
        messages.success(request, f"{person.name} is changed.")
    return redirect("person", user_id=person.pk)
