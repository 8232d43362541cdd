from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.auth.requests import get_request_user
from core.errors import Conflict, Invalid, NotFound
from core.forms import parse_uuid
from tasks.reactions import services


@login_required
@require_POST
def set_reaction(request: HttpRequest, key: str) -> HttpResponse:
    """Add a reaction to a task or a comment, or take it back."""
    text = request.POST.get("comment", "")
    comment_id = parse_uuid(text)
    if text and comment_id is None:
        raise NotFound(gettext("There is no such comment."))
    change = services.remove if request.POST.get("remove") == "true" else services.add
    try:
        change(actor=get_request_user(request), ref=key, emoji=request.POST.get("emoji", ""), comment_id=comment_id)
    except Invalid as error:
        messages.error(request, error.fields[0].message)
    except Conflict as error:
        messages.error(request, str(error))
    anchor = f"comment-{comment_id}" if comment_id else "reactions"
    return redirect(f"{reverse('task-detail', args=[key])}#{anchor}")
