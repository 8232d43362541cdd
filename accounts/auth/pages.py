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

from accounts.auth import throttling
from accounts.auth.forms import LoginForm, RegisterForm
from accounts.auth.requests import get_next_url
from accounts.users import services as users
from core.api.endpoints import endpoint
from core.errors import Invalid, NotAuthenticated
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip
from core.rate_limits import consume


@endpoint(mfa_exempt=True, pad_response_time={"POST"}, brute_force_limit={"POST"}, secret_in_url=True)
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(get_next_url(request))
    form = LoginForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        throttling.check_login(request, form.cleaned_data["email"])
        try:
            user = users.authenticate(**form.cleaned_data, request=request)
        except NotAuthenticated as error:
            form.add_domain_error(error)
        else:
            return _open_session(request, Login(user, email=user.email, redirect_url=get_next_url(request)))
    context = {"form": form, "next": get_next_url(request), "demo": settings.DEMO_ALLOWED}
    return render_page(request, "accounts/login.html", context, status=form_status(form))


@endpoint(mfa_exempt=True)
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    messages.success(request, "You are signed out.")
    response = redirect("login")
    response["Clear-Site-Data"] = '"cache"'
    return response


@endpoint(pad_response_time={"POST"}, brute_force_limit={"POST"})
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("overview")
    form = RegisterForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        consume(request, group="register", key=client_ip(request), rate=settings.REGISTER_RATE)
        try:
            user = users.register(**form.cleaned_data)
        except Invalid as error:
            if settings.REQUIRE_VERIFIED_EMAIL and error.has_error("email", "taken"):
                return prevent_enumeration(request, email=form.cleaned_data["email"].lower())
            form.add_domain_error(error)
        else:
            if not settings.REQUIRE_VERIFIED_EMAIL:
                messages.success(request, f"Welcome, {user.get_short_name()}.")
            return _open_session(request, Login(user, email=user.email, redirect_url=reverse("overview"), signup=True))
    return render_page(request, "accounts/register.html", {"form": form}, status=form_status(form))


def _open_session(request: HttpRequest, login: Login) -> HttpResponse:
    """Let in whoever has no further step to take (an address to verify, a second factor), else lead there."""
    answer: HttpResponse = perform_password_login(request, {"email": login.email}, login)
    return answer
