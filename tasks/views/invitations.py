from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.callers import person_of
from accounts.limits import counted_invitation
from core.errors import Invalid
from tasks import services
from tasks.forms import InviteForm


@login_required
@require_POST
def invite(request: HttpRequest, key: str) -> HttpResponse:
    reader = person_of(request)
    form = InviteForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("email", "Type an e-mail address, and choose a role.")
    with counted_invitation(request, reader, form.cleaned_data["email"]):
        invitation = services.invite_to_project(actor=reader, ref=key, now=timezone.now(), **form.cleaned_data)
    messages.success(request, f"{invitation.email} is invited to {invitation.target}.")
    return redirect("project-page", key=key)
