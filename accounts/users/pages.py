from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.auth.requests import get_request_user
from accounts.users import selectors, services
from accounts.users.forms import AvatarForm, ProfileForm
from accounts.users.image_processing import MAX_BYTES
from accounts.users.responses import avatar_response
from core.api.endpoints import endpoint
from core.errors import Invalid, NotFound
from core.forms import form_status
from core.htmx import form_data, render_page
from core.rate_limits import consume

IMMUTABLE_CACHE_CONTROL = "private, max-age=31536000, immutable"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    shown = {name: getattr(user, name) for name in ProfileForm.base_fields}
    form = ProfileForm(form_data(request), initial=shown)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_profile(actor=user, changes=form.cleaned_data)
        except Invalid as error:
            form.add_domain_error(error)
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("settings")
    return _profile_page(request, form, AvatarForm())


def _profile_page(request: HttpRequest, form: ProfileForm, picture_form: AvatarForm) -> HttpResponse:
    context = {"form": form, "picture_form": picture_form, "tab": "profile"}
    status = max(form_status(form), form_status(picture_form))
    return render_page(request, "accounts/settings.html", context, status=status)


@login_required
@require_POST
def set_avatar(request: HttpRequest) -> HttpResponse:
    user = get_request_user(request)
    form = AvatarForm(request.POST, request.FILES)
    if form.is_valid():
        consume(request, group="picture", key=str(user.pk), rate=settings.AVATAR_RATE)
        try:
            services.set_avatar(actor=user, data=form.cleaned_data["file"].read(MAX_BYTES + 1))
        except Invalid as error:
            form.add_domain_error(error)
        else:
            messages.success(request, "That is your picture now.")
            return redirect("settings")
    shown = {name: getattr(user, name) for name in ProfileForm.base_fields}
    return _profile_page(request, ProfileForm(initial=shown), form)


@login_required
@require_POST
def remove_avatar(request: HttpRequest) -> HttpResponse:
    services.remove_avatar(actor=get_request_user(request))
    messages.success(request, "Your picture is gone; your initials are shown again.")
    return redirect("settings")


def _is_own_avatar(request: HttpRequest) -> bool:
    return bool(request.resolver_match and request.resolver_match.kwargs["user_id"] == request.user.pk)


@endpoint(mfa_exempt=_is_own_avatar)
@login_required
@require_safe
def avatar(request: HttpRequest, user_id: UUID, digest: str, size: int) -> HttpResponse:
    """One version of a picture: another one has another address, so a browser may keep this for ever."""
    current, data = selectors.get_avatar(user_id, size)
    if current != digest:
        raise NotFound("There is no such picture any more.")
    return avatar_response(data, digest, IMMUTABLE_CACHE_CONTROL)
