from __future__ import annotations

from scanner.smtp.outcome import StartTls


def test_the_modes_of_starttls_are_the_option_s_words() -> None:
    assert [str(mode) for mode in StartTls] == ["when-required", "when-offered", "never"]
