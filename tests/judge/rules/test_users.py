"""Users who are not there, in the words of many servers."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    "words",
    [
        "unknown user", "user john is unknown", "the recipient does not exist", "no mailbox here by that name",
        "there is no one at this address", "john is not listed in Domino Directory", "bad rcpt", "user path no exist",
    ],
)  # fmt: skip
def test_an_unknown_user(rule_of: Callable[..., str], words: str) -> None:
    assert rule_of(f"550 {words}") == "user.unknown"


@pytest.mark.parametrize(
    "words",
    ["utilisateur inconnu", "Postfach nicht vorhanden", "destinatario inesistente", "el usuario no existe", "无此用户"],
)
def test_an_unknown_user_in_other_languages(rule_of: Callable[..., str], words: str) -> None:
    assert rule_of(f"550 {words}") == "user.unknown-localised"


@pytest.mark.parametrize("words", ["I do not know you", "nobody answers here", "mail is not for everyone"])
def test_words_that_are_about_no_user(rule_of: Callable[..., str], words: str) -> None:
    assert not rule_of(f"550 {words}").startswith("user.")
