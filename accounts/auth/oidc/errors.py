from __future__ import annotations

from core.errors import NotAuthenticated


class OidcError(NotAuthenticated):
    """What the provider said is not believed. `code` names the reason for the log; people read the sentence."""

    code = "identity_refused"

    def __init__(self, reason: str, detail: str = "The provider's answer was not one that can be trusted.") -> None:
        super().__init__(detail, code=reason)


class ProviderUnavailable(OidcError):
    """The provider does not answer, or not in time."""

    status = 503

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason, "The provider does not answer just now. Try again in a moment, or sign in another way."
        )
