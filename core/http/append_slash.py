"""The redirect of paths that lack their last slash."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.utils.http import escape_leading_slashes


class AppendSlashMiddleware(CommonMiddleware):
    """Django's CommonMiddleware with 308 (RFC 9110, section 15.4.9) instead of 301 for writes.

    Clients follow a 301 of a POST by a GET, so that nothing is written and all looks well.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_write = request.method not in {"GET", "HEAD"}
        if is_write and response.status_code == 404 and self.should_redirect_with_slash(request):
            path = escape_leading_slashes(request.get_full_path(force_append_slash=True))
            return HttpResponsePermanentRedirect(path, preserve_request=True)
        return super().process_response(request, response)
