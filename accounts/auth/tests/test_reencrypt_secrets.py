"""The reencrypt_secrets command, after a change of SECRET_KEY."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from accounts.auth.mfa import services as mfa
from accounts.tests.mfa import code_at, recovery_codes, with_totp

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OTHER = "another-secret-key-" + "y" * 32


def stored_data():
    return dict(Authenticator.objects.values_list("type", "data"))


def test_reencryption_keeps_mfa_after_a_key_change(alice, settings, capsys):
    codes = recovery_codes(with_totp(alice))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, [settings.SECRET_KEY]

    call_command("reencrypt_secrets")
    settings.SECRET_KEY_FALLBACKS = []

    assert capsys.readouterr().out == "2 secrets are encrypted with the current key.\n"
    assert recovery_codes(alice) == codes
    assert mfa.verify_code(user=alice, code=code_at(NOW), now=NOW) is not None


def test_totp_secret_of_a_lost_key_matches_no_code(alice, settings):
    with_totp(alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, []

    assert mfa.verify_code(user=alice, code=code_at(NOW), now=NOW) is None


def test_reencryption_changes_nothing_if_a_secret_is_unreadable(alice, settings):
    with_totp(alice)
    before = stored_data()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, []

    with pytest.raises(CommandError):
        call_command("reencrypt_secrets")

    assert stored_data() == before
