"""A small JSON client: what a stranger's program would send."""

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
        sent = {"Content-Type": "application/json", **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return self._read(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return self._read(error.code, error.read(), dict(error.headers))

    @staticmethod
    def _read(status: int, body: bytes, headers: dict[str, str]) -> Response:
        is_json = "json" in headers.get("Content-Type", headers.get("content-type", ""))
        return Response(status, json.loads(body) if body and is_json else body, headers)

    def register(self, *, email: str, name: str, password: str = PASSWORD) -> dict[str, Any]:
        """Register and keep the access token; returns the person."""
        answer = self.send("POST", "/api/v1/auth/register/", {"email": email, "name": name, "password": password})
        if answer.status != 201:
            raise RuntimeError(f"could not register: {answer.body}")
        self.token = answer.body["access"]
        user: dict[str, Any] = answer.body["user"]
        return user
