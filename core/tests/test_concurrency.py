from __future__ import annotations

import pytest

from core.testing.concurrency import wait_until


def test_a_wait_in_vain_fails_and_does_not_hang():
    with pytest.raises(TimeoutError, match=r"Waited 0\.05 s in vain"):
        wait_until(lambda: False, seconds=0.05)


def test_a_wait_ends_when_it_is_so():
    answers = [True, False, False]

    wait_until(answers.pop)

    assert answers == []
