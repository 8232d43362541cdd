"""Profile settings and avatars, and the staff directory of users."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policies
from accounts.auth.allauth.reauthentication import reauthentication_redirect
from accounts.auth.requests import get_request_user
from accounts.models import User
from accounts.teams import selectors as teams_selectors
from accounts.users import administration, selectors, services
from accounts.users.forms import AppearanceForm, AvatarForm, ProfileForm, UserFilterForm
from accounts.users.image_processing import MAX_BYTES
from accounts.users.responses import avatar_response
from core.api.endpoints import endpoint
from core.api.pagination import PageRequest, Sort, paginate
from core.clock import current_time
from core.errors import Conflict, Invalid, NotFound
from core.forms import changed_values, form_status
from core.htmx import form_data, render_page, safe_redirect_url
from core.rate_limits import Use, consume
from core.uploads import read_upload

DIRECTORY_PAGE_SIZE = 50
IMMUTABLE_CACHE_CONTROL = "private, max-age=31536000, immutable"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and save the user's own profile."""
    user = get_request_user(request)
    form = ProfileForm(form_data(request), initial=_profile_values(user))
    if form.submit(lambda _: services.update_profile(actor=user, changes=changed_values(form))):
        messages.success(request, gettext("Profile saved."))
        return redirect("settings")
    return _profile_page(request, form, AvatarForm())


@login_required
@require_POST
def set_appearance(request: HttpRequest) -> HttpResponse:
    """Save the theme or the density from the account menu, and return to the page."""
    form = AppearanceForm(request.POST)
    if form.is_valid():
        changes = {name: value for name, value in form.cleaned_data.items() if value}
        services.update_profile(actor=get_request_user(request), changes=changes)
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect(safe_redirect_url(request, request.POST.get("next", ""), reverse("settings")))


def _profile_values(user: User) -> dict[str, object]:
    return {name: getattr(user, name) for name in ProfileForm.base_fields}


def _profile_page(request: HttpRequest, form: ProfileForm, picture_form: AvatarForm) -> HttpResponse:
    context = {"form": form, "picture_form": picture_form, "tab": "profile"}
    status = max(form_status(form), form_status(picture_form))
    return render_page(request, "accounts/settings.html", context, status=status)


@login_required
@require_POST
def set_avatar(request: HttpRequest) -> HttpResponse:
    """Replace the user's picture."""
    user = get_request_user(request)
    form = AvatarForm(request.POST, request.FILES)
    if form.is_valid():
        # Also those that are refused: decoding is expensive.
        consume(request, Use("picture", str(user.pk), settings.AVATAR_RATE))
        if form.submit(
            lambda data: services.set_avatar(actor=user, data=read_upload(data["file"], max_bytes=MAX_BYTES))
        ):
            messages.success(request, gettext("Picture saved."))
            return redirect("settings")
    return _profile_page(request, ProfileForm(initial=_profile_values(user)), form)


@login_required
@require_POST
def remove_avatar(request: HttpRequest) -> HttpResponse:
    """Remove the user's picture."""
    services.remove_avatar(actor=get_request_user(request))
    messages.success(request, gettext("Picture removed. Your initials are shown instead."))
    return redirect("settings")


def _is_own_avatar(request: HttpRequest) -> bool:
    return bool(request.resolver_match and request.resolver_match.kwargs["user_id"] == request.user.pk)


@endpoint(mfa_exempt=_is_own_avatar)
@login_required
@require_safe
def avatar(request: HttpRequest, user_id: UUID, digest: str, size: int) -> HttpResponse:
    """Serve one version of a picture; its URL changes with it, so browsers may keep it forever."""
    current_digest, data = selectors.get_avatar(user_id, size)
    if current_digest != digest:
        raise NotFound(gettext("This picture was replaced."))
    return avatar_response(data, digest, IMMUTABLE_CACHE_CONTROL)


@never_cache
@login_required
@require_safe
def user_list(request: HttpRequest) -> HttpResponse:
    """List users for staff."""
    reader = get_request_user(request)
    form = UserFilterForm(request.GET)
    filters = form.cleaned_data if form.is_valid() else {}
    search, state = filters.get("search", ""), filters.get("state") or "active"
    page_request = PageRequest(
        sorts={"name": Sort("name")},
        ordering="name",
        limit=DIRECTORY_PAGE_SIZE,
        cursor=request.GET.get("cursor", ""),
        owner=str(reader.pk),
        filters=f"page:{state}:{search}",
    )
    page = paginate(selectors.list_users(reader, search=search, state=state), page_request)
    context = {"form": form, "page": page, "state": state}
    return render_page(request, "accounts/user_list.html", context, fragments={"people": "accounts/_user_rows.html"})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def user_detail(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Show one user to staff; administrators change role and activation."""
    reader = get_request_user(request)
    user = selectors.get_user_for_staff(reader, user_id)
    if request.method != "POST":
        context = {
            "profile_user": user,
            "teams": teams_selectors.list_memberships(user),
            "roles": User.Role.choices,
            "can_manage": policies.can_manage_users(reader),
        }
        return render_page(request, "accounts/user_detail.html", context)
    policies.require_manager(reader)
    changes: dict[str, object] = {}
    if role := request.POST.get("role"):
        if role not in User.Role.values:
            raise Invalid.field("role", gettext("There is no such role."))
        changes["role"] = role
    if (active := request.POST.get("active")) in {"yes", "no"}:
        changes["is_active"] = active == "yes"
    # Changing other accounts needs a recent login, as in the API.
    if response := reauthentication_redirect(request, reverse("user-detail", args=[user.pk])):
        return response
    try:
        administration.update_user(actor=reader, user_id=user.pk, changes=changes, now=current_time())
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, gettext("%(name)s saved.") % {"name": user.name})
    return redirect("user-detail", user_id=user.pk)
