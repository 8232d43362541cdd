import pytest

from config import attachments


@pytest.fixture(autouse=True)
def attachment_dir(settings, tmp_path):
    """Give each test a storage of its own."""
    settings.STORAGES = {**settings.STORAGES, "attachments": attachments.storage_settings("local", tmp_path)}
    return tmp_path
