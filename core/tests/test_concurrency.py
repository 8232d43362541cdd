from __future__ import annotations

import pytest

from core.testing.concurrency import wait_until


def test_wait_until_times_out():
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        wait_until(lambda: False, seconds=0.05)


def test_wait_until_returns_once_true():
    answers = [True, False, False]

    wait_until(answers.pop)

    assert answers == []
