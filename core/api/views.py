"""Base class of the API's views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from core.api import idempotency
from core.api.deprecation import Deprecation
from core.api.endpoints import BodyLimit
from core.errors import Invalid


class ApiView(APIView):
    """Base class of API views: DRF's, with idempotent POST (`Idempotency-Key`) and the declarations of an endpoint.

    Each view must declare `api_key_scope`, and `project_from` where it is open to API keys; without them the
    application does not start. All declarations: core.api.endpoints.Endpoint.
    """

    deprecated: ClassVar[Deprecation | None] = None
    encrypt_stored_response: ClassVar[bool] = False
    rate_limit: ClassVar[bool] = True
    max_body_size: ClassVar[BodyLimit] = BodyLimit.JSON
    # False where a password is sent: a wrong one must be logged each time, and no record may hold a digest of it.
    idempotent: ClassVar[bool] = True

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in self.deprecated.headers() if self.deprecated else ():
            response[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "POST" or not self.idempotent or not request.user.is_authenticated:
            return
        # After authentication, permissions and limits: a stored response is replayed only to those who may send the
        # request.
        if key := idempotency.parse_key(request):
            handler: Callable[..., HttpResponse] = getattr(self, "post")  # noqa: B009 -- each subclass has its own
            self.post = partial(idempotency.run_idempotent, key, handler, self.encrypt_stored_response)


def select_fields(row: dict[str, Any], fields: Iterable[str] | None) -> dict[str, Any]:
    """Keep only the named fields; an unknown name raises Invalid."""
    if fields is None:
        return row
    names: Sequence[str] = list(fields)
    if unknown := [name for name in names if name not in row]:
        raise Invalid.field("fields", f"Not known: {unknown[0]}. Known: {', '.join(row)}.", "invalid_choice")
    return {name: row[name] for name in names}
