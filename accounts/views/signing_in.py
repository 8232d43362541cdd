"""Coming in and going out."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.account.models import Login
from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import guard, services
from accounts.callers import next_of
from accounts.forms import RegisterForm, SignInForm
from core.errors import Invalid, NotSignedIn
from core.forms import status_of
from core.htmx import page, posted
from gateway.headers import client_address
from gateway.limits import spend


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(next_of(request))
    form = SignInForm(posted(request))
    if request.method == "POST" and form.is_valid():
        guard.admit(request, form.cleaned_data["email"])
        try:
            person = services.authenticate(**form.cleaned_data, request=request)
        except NotSignedIn as refusal:
            form.add_refusal(refusal)
        else:
            return _enter(request, Login(person, email=person.email, redirect_url=next_of(request)))
    context = {"form": form, "next": next_of(request), "demo": settings.DEMO_ALLOWED}
    return page(request, "accounts/login.html", context, status=status_of(form))


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
            if settings.REQUIRE_VERIFIED_EMAIL and refusal.names("email", "taken"):
                return prevent_enumeration(request, email=form.cleaned_data["email"].lower())
            form.add_refusal(refusal)
        else:
            if not settings.REQUIRE_VERIFIED_EMAIL:
                messages.success(request, f"Welcome, {person.get_short_name()}.")
            return _enter(request, Login(person, email=person.email, redirect_url=reverse("overview"), signup=True))
    return page(request, "accounts/register.html", {"form": form}, status=status_of(form))


def _enter(request: HttpRequest, login: Login) -> HttpResponse:
    """Let in whoever has no further step to take (an address to verify, a second factor), else lead there."""
    answer: HttpResponse = perform_password_login(request, {"email": login.email}, login)
    return answer
