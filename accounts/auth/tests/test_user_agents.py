"""Device names from user agents, and the devices of API clients."""

from __future__ import annotations

from accounts.auth.sessions import services as sessions
from accounts.models import Session
from core.http.client_ip import describe_user_agent

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E1 Safari/604.1"
)
EDGE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"


def test_user_agent_is_described():
    descriptions = {
        CHROME: "Chrome on Linux",
        FIREFOX: "Firefox on Windows",
        SAFARI: "Safari on iPhone",
        EDGE: "Edge on macOS",
        ANDROID: "Chrome on Android",
        "Mozilla/5.0 (X11; Linux x86_64)": "Browser on Linux",
        "curl/8.5.0": "curl",
        "python-requests/2.32.3": "python-requests",
        "My Program 2.0": "My Program 2.0",
        "": "Unknown device",
        "<script>alert(1)</script>": "Unknown device",
        "x" * 200: "x" * 39,
    }

    assert {user_agent: describe_user_agent(user_agent) for user_agent in descriptions} == descriptions


def test_api_client_device_is_its_name_and_network(alice):
    for address in ("192.0.2.77", "192.0.2.78", "198.51.100.1", None):
        sessions.open_session(user=alice, now=alice.created_at, user_agent="curl/8.5.0", address=address)

    hashes = list(Session.objects.order_by("pk").values_list("device_hash", flat=True))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
