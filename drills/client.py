"""A small JSON client for the API, on the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: Any
    headers: dict[str, str]


@dataclass(slots=True)
class Client:
    url: str
    token: str = ""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send one request and return the response, whatever its status. JSON bodies are parsed."""
        headers = {"Content-Type": "application/json", **headers}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return self._read(response.status, response.read(), dict(response.headers))
        except urllib.error.HTTPError as error:
            return self._read(error.code, error.read(), dict(error.headers))

    @staticmethod
    def _read(status: int, body: bytes, headers: dict[str, str]) -> Response:
        is_json = "json" in headers.get("Content-Type", headers.get("content-type", ""))
        return Response(status, json.loads(body) if body and is_json else body, headers)

    def register(self, *, email: str, name: str, password: str = PASSWORD) -> dict[str, Any]:
        """Register, use the access token from now on, and return the user."""
        response = self.send("POST", "/api/v1/auth/register/", {"email": email, "name": name, "password": password})
        if response.status != 201:
            raise RuntimeError(f"registration failed: {response.body}")
        self.token = response.body["access"]
        user: dict[str, Any] = response.body["user"]
        return user
