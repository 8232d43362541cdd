from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.callers import person_of
from accounts.downloads import picture
from accounts.forms import PictureForm, ProfileForm
from accounts.pictures import MAX_BYTES
from core.errors import Invalid, NotFound
from core.forms import status_of
from core.htmx import page, posted
from gateway.limits import spend

FOR_EVER = "private, max-age=31536000, immutable"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    shown = {name: getattr(person, name) for name in ProfileForm.base_fields}
    form = ProfileForm(posted(request), initial=shown)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_profile(actor=person, changes=form.cleaned_data)
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("settings")
    return _profile_page(request, form, PictureForm())


def _profile_page(request: HttpRequest, form: ProfileForm, picture_form: PictureForm) -> HttpResponse:
    context = {"form": form, "picture_form": picture_form, "tab": "profile"}
    status = max(status_of(form), status_of(picture_form))
    return page(request, "accounts/settings.html", context, status=status)


@login_required
@require_POST
def set_avatar(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = PictureForm(request.POST, request.FILES)
    if form.is_valid():
        spend(request, group="picture", key=str(person.pk), rate=settings.PICTURE_RATE)
        try:
            services.set_avatar(actor=person, data=form.cleaned_data["file"].read(MAX_BYTES + 1))
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, "That is your picture now.")
            return redirect("settings")
    shown = {name: getattr(person, name) for name in ProfileForm.base_fields}
    return _profile_page(request, ProfileForm(initial=shown), form)


@login_required
@require_POST
def remove_avatar(request: HttpRequest) -> HttpResponse:
    services.remove_avatar(actor=person_of(request))
    messages.success(request, "Your picture is gone; your initials are shown again.")
    return redirect("settings")


@login_required
@require_safe
def avatar(request: HttpRequest, user_id: UUID, digest: str, size: int) -> HttpResponse:
    """One version of a picture: another one has another address, so a browser may keep this for ever."""
    current, data = selectors.get_picture(user_id, size)
    if current != digest:
        raise NotFound("There is no such picture any more.")
    return picture(data, digest, FOR_EVER)
