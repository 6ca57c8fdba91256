"""What is legal: the states of a session and the commands that each allows, as one table.

Said and owed are two positions: the state moves when a command is said (and where an answer grants or takes something
back), replies that are still owed stand in the dialogue's queue.
"""

from __future__ import annotations

from enum import StrEnum

from scanner.smtp.command import Command
from scanner.terms import Stage


class State(StrEnum):
    """Where the session is, by what we said and what was granted."""

    GREETING = "greeting"
    HELLO = "hello"
    SECURING = "securing"
    IDLE = "idle"
    TRANSACTION = "transaction"
    SENDING = "sending"
    LEAVING = "leaving"
    OVER = "over"


GREETING, HELLO, SECURING, IDLE = State.GREETING, State.HELLO, State.SECURING, State.IDLE
TRANSACTION, SENDING, LEAVING, OVER = State.TRANSACTION, State.SENDING, State.LEAVING, State.OVER
"""As with the commands."""

SAYABLE: dict[State, dict[Command, State]] = {
    State.GREETING: {},
    State.HELLO: {Command.EHLO: State.HELLO, Command.HELO: State.HELLO, Command.QUIT: State.LEAVING},
    State.SECURING: {},
    State.IDLE: {
        Command.STARTTLS: State.SECURING,
        Command.MAIL: State.TRANSACTION,
        Command.RSET: State.IDLE,
        Command.QUIT: State.LEAVING,
    },
    State.TRANSACTION: {
        Command.RCPT: State.TRANSACTION,
        Command.DATA: State.SENDING,
        Command.RSET: State.IDLE,
        Command.QUIT: State.LEAVING,
    },
    State.SENDING: {},
    State.LEAVING: {},
    State.OVER: {},
}
"""What may be said in a state, and the state that saying it leads to. What is not here is illegal."""

AND_RESET = (Command.MAIL, Command.RCPT, Command.RSET)
AND_QUIT = (Command.MAIL, Command.RCPT, Command.QUIT)
"""A question as one group (RFC 2920), and the end of its transaction."""

STAGE = {
    Command.OPEN: Stage.BANNER,
    Command.EHLO: Stage.HELO,
    Command.HELO: Stage.HELO,
    Command.STARTTLS: Stage.STARTTLS,
    Command.MAIL: Stage.MAIL,
    Command.RCPT: Stage.RCPT,
    Command.DATA: Stage.DATA,
}
STAGE_OF_STATE = {
    State.GREETING: Stage.BANNER,
    State.HELLO: Stage.HELO,
    State.SECURING: Stage.STARTTLS,
    State.IDLE: Stage.MAIL,
    State.TRANSACTION: Stage.RCPT,
    State.SENDING: Stage.DATA,
}
"""Which command comes next, where nothing is owed."""


class IllegalCommand(RuntimeError):  # noqa: N818 - what it is
    """A command that `SAYABLE` does not have in this state, or a pipelined one that was not offered: a bug of ours."""


def state_after(state: State, group: tuple[Command, ...]) -> State:
    """The state that saying all of a group leads to.

    Raises:
        IllegalCommand: one of them may not be said where it stands.
    """
    for command in group:
        if command not in SAYABLE[state]:
            raise IllegalCommand(f"{command} while {state}")
        state = SAYABLE[state][command]
    return state


STATE_AFTER: dict[tuple[Command, ...], State] = {
    group: state_after(State.IDLE, group) for group in (AND_RESET, AND_QUIT)
}
