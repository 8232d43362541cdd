"""The command promote_admin."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.testing.page_client import log_in


def test_promote_admin_command_appoints_an_administrator(bob, client, outbox, capsys):
    log_in(client, bob)
    assert client.get("/admin/").status_code == 302

    call_command("promote_admin", "Bob@Example.com")
    call_command("promote_admin", "bob@example.com")

    assert client.get("/admin/").status_code == 200
    assert outbox.only("user.updated")["changes"] == {"role": ["user", "admin"]}
    assert "Bob is an administrator." in capsys.readouterr().out


def test_promote_admin_command_refuses_an_unknown_user(db, outbox):
    with pytest.raises(CommandError, match="no active user"):
        call_command("promote_admin", "nobody@example.com")

    assert outbox.names() == []
