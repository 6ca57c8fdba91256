from __future__ import annotations

from pathlib import Path

import pytest

from scanner.smtp.command import Command
from scanner.smtp.dialogue import Dialogue
from scanner.smtp.outcome import Question
from scanner.smtp.states import SAYABLE, IllegalCommand, State


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize("state", State)
def test_what_the_table_has_is_said_and_moves_and_all_else_is_illegal(state: State, command: Command) -> None:
    dialogue = Dialogue("probe.example")
    dialogue.ask(Question("", "postmaster@partner.example"))
    dialogue.owed.clear()
    dialogue.state = state
    if command in SAYABLE[state]:
        dialogue.say(command)
        assert dialogue.state is SAYABLE[state][command]
        assert list(dialogue.owed) == [command]
    else:
        with pytest.raises(IllegalCommand):
            dialogue.say(command)
        assert (dialogue.state, list(dialogue.owed), dialogue.data_to_send()) == (state, [], b"")


def test_two_commands_are_never_owed_where_pipelining_was_not_offered() -> None:
    dialogue = Dialogue("probe.example")
    dialogue.ask(Question("", "postmaster@partner.example"))
    dialogue.owed.clear()
    dialogue.state = State.IDLE
    dialogue.say(Command.MAIL)
    with pytest.raises(IllegalCommand):
        dialogue.say(Command.RCPT)


def test_the_drawing_in_the_docs_is_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "architecture.md"
    drawn = {line.strip() for line in page.read_text(encoding="utf-8").splitlines() if " --> " in line and ": " in line}
    table = {f"{state} --> {to}: {command}" for state, moves in SAYABLE.items() for command, to in moves.items()}
    assert drawn == table
