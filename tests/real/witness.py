"""The independent client: the same conversation held by aiosmtplib, to compare what it heard with what we recorded."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import aiosmtplib

REPLY_LIMIT_S = 20.0


class Heard(NamedTuple):
    """One reply as aiosmtplib read it: its stage, its code, its lines joined by LF without their codes."""

    stage: str
    code: int
    text: str


async def hold(
    address: str,
    port: int,
    helo: str,
    sender: str,
    recipient: str,
    *,
    starttls: bool = False,
    sending: bool = False,
    source: str | None = None,
) -> list[Heard]:
    """Greet, say who we are, name sender and recipient, send an empty message if told to, quit; stops at a refusal.

    `source` is the address to call from, the system's choice without one.

    Returns:
        The replies in order, banner first and QUIT's not among them; the last is the one that decides.

    Raises:
        aiosmtplib.SMTPException: the host is not there or speaks no SMTP.
    """
    client = aiosmtplib.SMTP(
        hostname=address,
        port=port,
        local_hostname=helo,
        source_address=(source, 0) if source else None,
        timeout=REPLY_LIMIT_S,
        use_tls=False,
        start_tls=False,
        validate_certs=False,
    )
    stages = ["banner", "helo", *(["starttls", "helo"] if starttls else []), "mail", "rcpt"]
    stages += ["data", "message"] if sending else []
    say = {
        "banner": client.connect,
        "helo": client.ehlo,
        "starttls": client.starttls,
        "mail": lambda: client.execute_command(f"MAIL FROM:<{sender}>".encode()),
        "rcpt": lambda: client.execute_command(f"RCPT TO:<{recipient}>".encode()),
        "data": lambda: client.execute_command(b"DATA"),
        "message": lambda: client.execute_command(b"."),
    }
    heard = []
    try:
        for stage in stages:
            reply = await say[stage]()
            heard.append(Heard(stage, reply.code, reply.message))
            if reply.code >= 400:
                break
        await client.quit()
    except aiosmtplib.SMTPResponseException as refusal:
        heard.append(Heard(stage, refusal.code, refusal.message))
    finally:
        client.close()
        await asyncio.sleep(0)  # its transport closes in the loop's next turn
    return heard
