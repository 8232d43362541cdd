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

from accounts.adapters.account import sign_out
from accounts.adapters.confirming import confirmation
from accounts.adapters.doors import count
from accounts.adapters.forms import NewPasswordForm
from accounts.models import User
from core.errors import Invalid, NotFound
from core.forms import status_of
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
            sign_out(request, person)
            form.save()
        except Invalid as refusal:
            form.add_error("password1", refusal.detail)
        except NotFound:  # somebody else has used the link at the same moment
            return page(request, "account/password_reset_over.html", {}, status=404)
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
    def get_default_success_url(self) -> str:
        return reverse("mfa_index")


@method_decorator(never_cache, name="dispatch")
class SetPassword(allauth.PasswordSetView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A password outlives the session, so whoever gives themselves one proves first that it is they."""
        door = confirmation(request, reverse("account_set_password"))
        answer: HttpResponse = door or super().dispatch(request, *args, **kwargs)
        return answer

    def get_default_success_url(self) -> str:
        return reverse("mfa_index")
