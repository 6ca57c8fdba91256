from __future__ import annotations

from scanner.quotations.encoding import Encoding
from scanner.quotations.text import quoted_in

MAIL = """From MAILER-DAEMON Wed May  1 10:00:00 2024
Content-Type: multipart/report; boundary="----=_x"

------=_x
Content-Type: text/plain
Content-Transfer-Encoding: quoted-printable

u@p.example
550 5.7.1 <u@p.example>: Relay acc=
ess denied =3D no

------=_x
Content-Type: text/html

<p>550 5.1.1 never read</p>

550 5.1.1 never read
--> 550 5.1.1 never read
------=_x
Content-Type: message/rfc822

Content-Type: multipart/mixed; boundary="inner"

--inner
550 5.1.1 never read
--inner--
------=_x--
""".splitlines()


def test_a_bounce_saved_as_a_file_tells_what_it_says_once_and_not_what_it_returns() -> None:
    [quoted] = quoted_in(MAIL)
    assert quoted.text == "5.7.1 <u@p.example>: Relay access denied = no"


def test_several_bounces_in_one_file_are_all_read() -> None:
    second = [line.replace("u@p", "v@p") for line in MAIL]
    assert [each.recipient for each in quoted_in([*MAIL, *second])] == ["u@p.example", "v@p.example"]
    assert len(quoted_in([*MAIL[1:], *second[1:]])) == 2


def test_a_text_that_is_no_mail_passes_as_it_is() -> None:
    encoding = Encoding()
    for line in ("550 a=3Db=", "--", "-----", "--- Below this line is a copy of the message.", "", "=41"):
        assert encoding.decode(line) == line


def test_a_soft_line_end_that_never_comes_does_not_grow_without_bound() -> None:
    encoding = Encoding()
    encoding.see("content-transfer-encoding", "quoted-printable")
    pieces = [encoding.decode("x" * 1000 + "=") for _ in range(100)]
    assert max(len(piece) for piece in pieces if piece) < 10_000
