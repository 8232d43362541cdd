"""The pages of one's own account: coming in, going out, settings, sessions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.forms import DeviceForm, ProfileForm, RegisterForm, SignInForm
from accounts.models import User
from core.errors import Invalid, NotSignedIn
from core.htmx import page, posted
from gateway.headers import client_address
from gateway.limits import spend

YEAR = 365 * 24 * 3600
BACKEND = settings.AUTHENTICATION_BACKENDS[0]


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    form = SignInForm(posted(request))
    if request.method == "POST" and form.is_valid():
        _spend_sign_in(request, form.cleaned_data["email"])
        try:
            person = services.authenticate(**form.cleaned_data, request=request)
        except NotSignedIn as refusal:
            form.add_refusal(refusal)
        else:
            auth.login(request, person, backend=BACKEND)
            return HttpResponseRedirect(_next(request))
    context = {"form": form, "next": _next(request), "demo": settings.DEMO_ALLOWED}
    return page(request, "accounts/login.html", context, status=_status(form))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    messages.success(request, "You are signed out.")
    response = redirect("login")
    response["Clear-Site-Data"] = '"cache"'
    return response


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("overview")
    form = RegisterForm(posted(request))
    if request.method == "POST" and form.is_valid():
        spend(request, group="register", key=client_address(request), rate=settings.REGISTER_RATE)
        try:
            person = services.register(**form.cleaned_data)
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            auth.login(request, person, backend=BACKEND)
            messages.success(request, f"Welcome, {person.get_short_name()}.")
            return redirect("overview")
    return page(request, "accounts/register.html", {"form": form}, status=_status(form))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    shown = {name: getattr(person, name) for name in ("name", "time_zone", "theme")}
    form = ProfileForm(posted(request), initial=shown)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_profile(actor=person, changes=form.cleaned_data)
        except Invalid as refusal:
            form.add_refusal(refusal)
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("settings")
    context = {"form": form, "device_form": DeviceForm(initial=_device(request)), "tab": "profile"}
    return page(request, "accounts/settings.html", context, status=_status(form))


@login_required
@require_POST
def device(request: HttpRequest) -> HttpResponse:
    form = DeviceForm(request.POST)
    response = redirect("settings")
    if form.is_valid():
        for name, value in form.cleaned_data.items():
            response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=request.is_secure())
        messages.success(request, "This device remembers it.")
    return response


@login_required
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    found = selectors.sessions_of(_person(request), timezone.now()).order_by("-rotated_at")
    return page(request, "accounts/sessions.html", {"sessions": list(found[:100]), "tab": "sessions"})


@login_required
@require_POST
def revoke_session(request: HttpRequest, session_id: UUID) -> HttpResponse:
    services.revoke_session(actor=_person(request), session_id=session_id, now=timezone.now())
    messages.success(request, "That session is signed out.")
    return redirect("settings-sessions")


@login_required
@require_POST
def revoke_all_sessions(request: HttpRequest) -> HttpResponse:
    ended = services.revoke_all_sessions(actor=_person(request), now=timezone.now())
    messages.success(request, f"{ended} sessions are signed out.")
    return redirect("settings-sessions")


def _spend_sign_in(request: HttpRequest, email: str) -> None:
    """Count against the same two limits as the API's sign-in, so that neither door is the easier one."""
    spend(request, group="login-address", key=client_address(request), rate=settings.LOGIN_RATE_PER_ADDRESS)
    spend(request, group="login-account", key=email.lower(), rate=settings.LOGIN_RATE_PER_ACCOUNT)


def _person(request: HttpRequest) -> User:
    """The signed-in person as a User rather than the request's lazy stand-in."""
    assert isinstance(request.user, User)
    return request.user


def _status(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: a path of this site, the overview otherwise."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"


def _device(request: HttpRequest) -> dict[str, str]:
    return {"density": request.COOKIES.get("density", "comfortable"), "keys": request.COOKIES.get("keys", "on")}
