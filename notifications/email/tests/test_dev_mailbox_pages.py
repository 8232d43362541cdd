from __future__ import annotations

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from core.testing.page_client import logged_in_client, visible_text


@pytest.fixture
def message_name(settings, tmp_path):
    settings.MAILBOX_DIR = str(tmp_path)
    message = EmailMultiAlternatives(
        "Hello <b>",
        "The text.",
        "TaskFlow <taskflow@localhost>",
        ["bob@example.com"],
        headers={"Message-ID": "<1.hello@x>"},
    )
    message.attach_alternative("<p style='color:red'>The HTML</p><script>alert(1)</script>", "text/html")
    get_connection("notifications.email.dev_mailbox.DevMailboxBackend").send_messages([message])
    return "1.hello@x"


def test_mailbox_shows_sent_messages_to_administrators(message_name, admin):
    client = logged_in_client(admin)

    assert "bob@example.com" in visible_text(client.get("/mail/"))
    assert "The text." in visible_text(client.get(f"/mail/{message_name}/"))
    assert "Hello &lt;b&gt;" in client.get(f"/mail/{message_name}/").content.decode()


def test_html_part_is_sandboxed(message_name, admin):
    client = logged_in_client(admin)

    page, html = client.get(f"/mail/{message_name}/"), client.get(f"/mail/{message_name}/html/")

    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert '<iframe class="mail-frame" sandbox src=' in page.content.decode()
    policy = html["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert html["X-Frame-Options"] == "SAMEORIGIN"


def test_mailbox_is_forbidden_for_other_users(message_name, bob, carol, subtests):
    for user in (bob, carol):
        client = logged_in_client(user)
        for path in ("", "1.hello@x/", "1.hello@x/html/"):
            with subtests.test(f"{user.handle} {path}"):
                assert client.get(f"/mail/{path}").status_code == 403


def test_name_of_no_message_is_not_found(message_name, admin, subtests):
    client = logged_in_client(admin)
    for name in ("2.unknown@x", "..", ".hidden", "a b"):
        with subtests.test(name):
            assert client.get(f"/mail/{name}/").status_code == 404


def test_mailbox_is_not_found_where_mail_is_sent(admin, settings):
    settings.MAILBOX_DIR = None

    assert logged_in_client(admin).get("/mail/").status_code == 404
