from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.clock import current_time
from core.errors import DomainError, VersionConflict
from core.htmx import REDO_TAG, safe_redirect_url
from tasks.undo import services
from tasks.undo.tokens import add_undo_message


@login_required
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Undo the write of a message, and go to what it was about, or back."""
    url = safe_redirect_url(request, request.POST.get("next", ""), reverse("task-list"))
    try:
        undone = services.undo(
            actor=get_request_user(request), token=request.POST.get("token", "")[:200], now=current_time()
        )
    except VersionConflict as error:
        names = ", ".join(sorted(error.requested)).replace("_", " ")
        messages.error(request, gettext("Can't undo: someone has changed the %(names)s since.") % {"names": names})
        return HttpResponseRedirect(url)
    except DomainError as error:
        text = error.message
        messages.error(request, gettext("Can't undo: %(text)s") % {"text": text})
        return HttpResponseRedirect(url)
    if undone.job:
        return HttpResponseRedirect(reverse("bulk-job", args=[undone.job.pk]))
    add_undo_message(request, gettext("Undone."), tag=REDO_TAG)
    if not undone.exists:
        # The page of the object, where the form may have been, is gone.
        return HttpResponseRedirect(reverse("task-list"))
    if undone.name == "task.deleted":
        return HttpResponseRedirect(reverse("task-detail", args=[undone.key]))
    if undone.name == "project.deleted":
        return HttpResponseRedirect(reverse("project-detail", args=[undone.key]))
    return HttpResponseRedirect(url)
