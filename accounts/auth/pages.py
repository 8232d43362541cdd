"""The pages to sign in, sign out and register. What a sign-in takes is decided in accounts.auth.login."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST

from accounts.auth import login as sign_in
from accounts.auth.allauth.forms import MfaCodeForm, PasskeyForm, PasskeyLoginForm
from accounts.auth.allauth.passkeys import Purpose, begin_authentication
from accounts.auth.forms import LoginForm, RegisterForm
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.requests import credential_page, get_next_url
from accounts.users.locales import browser_locale
from core.api.endpoints import endpoint
from core.errors import Invalid, NotAuthenticated
from core.forms import form_status
from core.htmx import form_data, render_page
from core.http.client_ip import client_ip
from core.rate_limits import Use, consume

LOGIN_EXPIRED = gettext_noop("This sign-in has expired. Sign in again.")


@credential_page(
    "password",
    mfa_exempt=True,
    pad_response_time={"POST"},
    hashes_password={"POST"},
    brute_force_limit={"POST"},
    idempotent=False,
    secret_in_url=True,
)
def login(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(get_next_url(request))
    form = LoginForm(form_data(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = sign_in.verify_password(request, **form.cleaned_data)
        except NotAuthenticated as error:
            form.add_domain_error(error)
        else:
            return sign_in.continue_browser_login(request, user, next_url=get_next_url(request))
    context = {"form": form, "next": get_next_url(request), "demo": settings.DEMO_ALLOWED}
    return render_page(request, "accounts/login.html", context, status=form_status(form))


@credential_page("code", "credential", brute_force_limit={"POST"}, idempotent=False)
def login_mfa(request: HttpRequest) -> HttpResponse:
    """Ask for the code or the passkey that finishes the sign-in of this browser."""
    was_pending = sign_in.PENDING_LOGIN_KEY in request.session
    pending = sign_in.load_pending_login(request)
    if pending is None or not login_methods_selectors.has_mfa(pending.user):
        if was_pending:
            messages.error(request, gettext(LOGIN_EXPIRED))
        return redirect("login")
    data, is_code = form_data(request), "code" in request.POST
    code_form = MfaCodeForm(data if is_code else None, user=pending.user)
    passkey_form = PasskeyForm(None if is_code else data, user=pending.user)
    form = code_form if is_code else passkey_form
    if request.method == "POST" and form.is_valid():
        authenticator: Authenticator = code_form.authenticator if is_code else passkey_form.cleaned_data["credential"]
        authenticator.record_usage()
        return sign_in.continue_browser_login(request, pending.user, next_url=pending.next_url, mfa_verified=True)
    options = begin_authentication(request, Purpose.SECOND_FACTOR, pending.user)
    context = {"form": code_form, "js_data": {"request_options": options}}
    return render_page(request, "mfa/authenticate.html", context, status=form_status(form))


@credential_page("credential", brute_force_limit={"POST"}, idempotent=False)
def login_passkey(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey alone, which replaces both the password and MFA. A GET by script returns its options."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(get_next_url(request))
    if request.method != "POST":
        if "application/json" not in request.headers.get("Accept", ""):
            return redirect("login")  # a person followed the link; scripts ask for JSON
        return JsonResponse({"request_options": begin_authentication(request, Purpose.LOGIN)})
    consume(request, Use("login-address", client_ip(request), settings.LOGIN_RATE_PER_ADDRESS))
    form = PasskeyLoginForm(request.POST)
    authenticator: Authenticator | None = form.cleaned_data["credential"] if form.is_valid() else None
    if authenticator is None or not authenticator.user.is_active:
        messages.error(request, gettext("This passkey was not accepted."))
        return redirect("login")
    authenticator.record_usage()
    return sign_in.continue_browser_login(
        request, authenticator.user, next_url=get_next_url(request), mfa_verified=True
    )


@endpoint(mfa_exempt=True, idempotent=False)
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    messages.success(request, gettext("You are signed out."))
    response = redirect("login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@credential_page("password", pad_response_time={"POST"}, hashes_password={"POST"}, brute_force_limit={"POST"})
def register(request: HttpRequest) -> HttpResponse:
    """Register and sign in, or wait for a verified email where REQUIRE_VERIFIED_EMAIL is set.

    The response is the same for a taken address then, so that it does not tell who has an account.
    """
    if request.user.is_authenticated:
        return redirect("overview")
    form, next_url = RegisterForm(form_data(request)), reverse("overview")
    if request.method == "POST" and form.is_valid():
        try:
            user = sign_in.register(request, locale=browser_locale(request), **form.cleaned_data)
        except Invalid as error:
            form.add_domain_error(error)
        else:
            email = form.cleaned_data["email"].lower()
            if user is None or settings.REQUIRE_VERIFIED_EMAIL:
                return sign_in.await_verified_email(request, user, email=email, next_url=next_url)
            messages.success(
                request,
                gettext("Welcome, %(get_short_name)s. We sent a confirmation link to %(email)s.")
                % {"get_short_name": user.get_short_name(), "email": email},
            )
            return sign_in.continue_browser_login(request, user, next_url=next_url)
    return render_page(request, "accounts/register.html", {"form": form}, status=form_status(form))
