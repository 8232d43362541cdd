"""Services of service accounts: none is, or becomes, an administrator."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.api_keys.service_accounts import create_service_account, update_service_account
from core.errors import Invalid
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ["admin", "god"])
def test_service_account_refuses_other_roles(role, admin):
    account = create_service_account(actor=admin, name="Nightly import", role="staff")
    before = table_digests()

    with pytest.raises(Invalid) as making:
        create_service_account(actor=admin, name="Another", role=role)
    with pytest.raises(Invalid) as changing:
        update_service_account(actor=admin, account_id=account.pk, changes={"role": role}, now=timezone.now())

    assert [error.value.fields[0].field for error in (making, changing)] == ["role", "role"]
    assert table_digests() == before
