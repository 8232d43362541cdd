"""Changing a password, and choosing another one when it is lost."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth
from allauth.account.forms import UserTokenForm
from allauth.account.internal.flows.password_reset import finalize_password_reset
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.adapters.doors import count
from accounts.adapters.forms import NewPasswordForm
from accounts.models import User
from accounts.views.parts import person_of, status_of
from core.errors import Invalid
from core.htmx import page, posted
from gateway.headers import client_address


class AskForReset(allauth.PasswordResetView):
    def form_valid(self, form: Any) -> HttpResponse:
        """Says the same of every address, and takes the same work: there is a mail for either."""
        count(self.request, "reset-address", client_address(self.request), settings.LOGIN_RATE_PER_ADDRESS)
        count(self.request, "account-mail", form.cleaned_data["email"], settings.ACCOUNT_MAIL_RATE)
        answer: HttpResponse = super().form_valid(form)
        return answer


@never_cache
@sensitive_post_parameters("password1", "key")
@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """The page of the link in the mail. Its key stays in the form: neither the log nor a session gets to see it."""
    key = request.POST.get("key", "") or request.GET.get("key", "")
    person = _person_of_key(key)
    if person is None:
        return page(request, "account/password_reset_over.html", {}, status=404)
    form = NewPasswordForm(posted(request), user=person)
    if request.method == "POST" and form.is_valid():
        try:
            form.save()
        except Invalid as refusal:
            form.add_error("password1", refusal.detail)
        else:
            finalize_password_reset(request, person)
            return redirect("login")
    return page(request, "account/password_reset_from_key.html", {"form": form, "key": key}, status=status_of(form))


def _person_of_key(key: str) -> User | None:
    uid, _, token = key.partition("-")
    form = UserTokenForm(data={"uidb36": uid, "key": token})
    person: User | None = form.reset_user if form.is_valid() else None
    return person if person and person.is_active else None


@method_decorator(never_cache, name="dispatch")
class ChangePassword(allauth.PasswordChangeView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whoever sits at a browser that is signed in may not try passwords for long."""
        count(request, "login-account", person_of(request).email, settings.LOGIN_RATE_PER_ACCOUNT)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def get_default_success_url(self) -> str:
        return reverse("mfa_index")


@method_decorator(never_cache, name="dispatch")
class SetPassword(allauth.PasswordSetView):
    def get_default_success_url(self) -> str:
        return reverse("mfa_index")
