"""The status of a session or an API key in Redis.

The value is `active:<tier>`, `restricted:<tier>` or `revoked`. accounts writes it; the gateway and its Lua script read it.
"""

# A restricted session may only set up MFA, so no response is cached for it.
ACTIVE, RESTRICTED, REVOKED = "active", "restricted", "revoked"
