"""Sign-in by an OpenID provider (OpenID Connect Core 1.0): code flow with PKCE, `state`, `nonce` and `iss`.

django-allauth has the session of a sign-in, its second factor and its state; what a provider says is verified here,
because allauth takes an ID token that came over TLS unsigned, knows no nonce, and lets the person add to the request.
"""
