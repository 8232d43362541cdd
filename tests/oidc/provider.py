"""An OpenID provider that runs as its own process and misbehaves on request.

`PUT /script` takes the faults, `GET /seen` returns the requests so far. Everything else follows OpenID Connect Core 1.0
with PKCE (RFC 7636): a code is valid once, for one redirect URI and with its verifier.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.oidc.id_tokens import Json, SigningKey, at_hash, sign

CLIENT_ID, CLIENT_SECRET = "taskflow", "a-secret-of-the-client-" + "s" * 20
USER_CLAIMS = {"sub": "248289761001", "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": True}
CONSENT_PAGE = """<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Example ID</title><h1>Example ID</h1>
<form method="post" action="/authorize?{query}"><button>Continue as {name}</button></form>
<a href="/authorize?{query}&amp;deny=1">Cancel</a>"""


class OpenIdProvider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key, self.next_key, self.attacker_key = SigningKey("first"), SigningKey("second"), SigningKey("first")
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.codes: dict[str, Json] = {}
        self.tokens: dict[str, Json] = {}
        self.seen: list[Json] = []
        self.script: Json = {}

    @property
    def user(self) -> Json:
        return {**USER_CLAIMS, **self.script.get("user", {})}

    def discovery(self) -> Json:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.script.get("discovery", {}),
        }

    def code_for(self, params: dict[str, str]) -> str:
        code = secrets.token_urlsafe(24)
        self.codes[code] = dict(params)
        return code

    def exchange(self, form: dict[str, str], client: tuple[str, str]) -> tuple[int, Json]:
        """Return the tokens for a code. A code is used up by its first exchange, even a failed one."""
        request = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if client != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if (
            request is None
            or form.get("redirect_uri") != request["redirect_uri"]
            or request.get("code_challenge_method") != "S256"
            or challenge.rstrip(b"=").decode() != request.get("code_challenge")
        ):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(24)
        self.tokens[access] = self.user
        tokens = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        tokens["id_token"] = self.id_token(request.get("nonce"), access)
        return 200, _drop_none(tokens | self.script.get("tokens", {}))

    def id_token(self, nonce: str | None, access: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, **self.user}
        claims["at_hash"] = at_hash(access)
        times = {name: now + seconds for name, seconds in self.script.get("times", {}).items()}
        claims = _drop_none(claims | self.script.get("claims", {}) | times)
        key = self.next_key if self.script.get("rotated") else self.key
        mode = self.script.get("signature", "valid")
        return sign(claims, mode, key=key, attacker_key=self.attacker_key, secret=CLIENT_SECRET)

    def keys(self) -> Json:
        keys = [self.next_key.jwk] if self.script.get("rotated") else [self.key.jwk]
        return {"keys": self.script.get("keys", keys)}


def _drop_none(claims: Json) -> Json:
    """Remove the claims that a script sets to None."""
    return {name: value for name, value in claims.items() if value is not None}


class Handler(BaseHTTPRequestHandler):
    server: OpenIdProvider
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._respond({})

    def do_POST(self) -> None:
        self._respond({name: values[0] for name, values in parse_qs(self._body().decode()).items()})

    def do_PUT(self) -> None:
        """Replace the script by the JSON of `PUT /script`."""
        self.server.script = json.loads(self._body())
        self.server.seen.clear()
        self._send(200, b"{}")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _respond(self, form: dict[str, str]) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = url.path.rpartition("/")[2]
        if name == "seen":
            self._json(200, {"seen": self.server.seen})
            return
        self.server.seen.append({"path": url.path, "query": query, "form": form, "headers": dict(self.headers)})
        if not self._misbehaves(self.server.script.get("faults", {}).get(name, {})):
            getattr(self, f"on_{name.replace('-', '_')}", self._nothing)(query, form)

    def _misbehaves(self, fault: Json) -> bool:
        """Apply the fault of this endpoint. Return whether that was the response."""
        if "pause" in fault:
            time.sleep(fault["pause"])
        if "drip" in fault:
            self._drip()
        elif "flood" in fault:
            self._flood()
        elif "status" in fault:
            body, kind = fault.get("body", "{}").encode(), fault.get("kind", "application/json")
            self._send(fault["status"], body, kind, **fault.get("headers", {}))
        else:
            return False
        return True

    def _drip(self) -> None:
        """Send a byte every 0.1 seconds, so that no single read times out."""
        self.close_connection = True
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Slow: " + b"x" * 600:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)

    def _flood(self) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
        for _ in range(4096):
            self.wfile.write(b" " * 65536)

    def on_openid_configuration(self, query: dict[str, str], form: dict[str, str]) -> None:
        self._json(200, self.server.discovery())

    def on_jwks(self, query: dict[str, str], form: dict[str, str]) -> None:
        self._json(200, self.server.keys())

    def on_authorize(self, query: dict[str, str], form: dict[str, str]) -> None:
        """Ask for consent if the script says so, and redirect back with a code."""
        params: Json = {"state": query.get("state"), "iss": self.server.issuer}
        if query.pop("deny", ""):
            params["error"] = "access_denied"
        elif self.command == "GET" and self.server.script.get("consent"):
            page = CONSENT_PAGE.format(query=urlencode(query).replace("&", "&amp;"), name=self.server.user["name"])
            self._send(200, page.encode(), "text/html")
            return
        else:
            params["code"] = self.server.code_for(query)
        params = _drop_none(params | self.server.script.get("callback", {}))
        self._send(302, b"", Location=f"{query['redirect_uri']}?{urlencode(params)}")

    def on_token(self, query: dict[str, str], form: dict[str, str]) -> None:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        client_id, _, secret = base64.b64decode(value).decode().partition(":") if kind == "Basic" else ("", "", "")
        status, tokens = self.server.exchange(form, (unquote(client_id), unquote(secret)))
        self.server.seen[-1]["response"] = tokens
        self._json(status, tokens)

    def on_userinfo(self, query: dict[str, str], form: dict[str, str]) -> None:
        user = self.server.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        self._json(200 if user else 401, _drop_none({**(user or {}), **self.server.script.get("userinfo", {})}))

    def _nothing(self, query: dict[str, str], form: dict[str, str]) -> None:
        self._json(404, {})

    def _json(self, status: int, body: Any) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the client has given up on a slow response


if __name__ == "__main__":
    provider = OpenIdProvider()
    sys.stdout.write(f"{provider.issuer}\n")
    sys.stdout.flush()
    provider.serve_forever()
