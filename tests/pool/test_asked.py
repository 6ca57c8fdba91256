from __future__ import annotations

import pytest

from scanner.pool.asked import Asked
from scanner.smtp.outcome import Again
from scanner.terms import Target, TlsFacts
from tests.pool.asking import probes_of


@pytest.mark.parametrize("again", Again)
def test_each_wish_is_granted_once_and_in_a_session_of_its_own(again: Again) -> None:
    (probe,) = probes_of([Target("127.0.0.1", 25)])
    asked = Asked(probe)
    assert (asked.may_try(again), asked.needs_new) == (True, False)
    asked.learn(again, TlsFacts(error="why"))
    assert (asked.may_try(again), asked.needs_new, asked.tls) == (False, True, TlsFacts(error="why"))
    assert [asked.may_try(other) for other in Again if other is not again] == [True, True]
