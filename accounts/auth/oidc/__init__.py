"""Sign-in with OpenID providers (OpenID Connect Core 1.0): authorization code flow with PKCE, `state`, `nonce` and `iss`.

Authlib checks ID tokens. Requests to providers are ours (`http`), because they need a deadline and a size limit.
"""
