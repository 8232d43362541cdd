from __future__ import annotations

from core.errors import NotAuthenticated


class OidcError(NotAuthenticated):
    """An untrustworthy response of the provider. `code` is the reason, for the log; users read the detail."""

    code = "identity_refused"

    def __init__(self, reason: str, detail: str = "The provider's response can't be trusted.") -> None:
        super().__init__(detail, code=reason)


class ProviderUnavailable(OidcError):
    """No response of the provider in time."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "The provider is not responding. Try again in a moment, or sign in another way.")
