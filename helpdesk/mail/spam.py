"""What a mail server in front of us thinks of a mail. Pure.

Any header can be forged by the sender, and nobody can tell here which server wrote it. That does no
harm: who forges it upwards sends himself into the junk queue; who forges it downwards gains nothing, for
*no* is never believed against the *yes* of another header or a score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from helpdesk import conf

from .parsed import ParsedMail

#: Spam confidence level of Exchange (-1 to 9) from which on it moves a mail to the junk folder.
MIN_SCL = 5


@dataclass(frozen=True, slots=True)
class Spam:
    """The mail is taken for spam. `score` is SpamAssassin's or Rspamd's, the highest if several are
    given, None if only a verdict is; `evidence` quotes the header that decided.
    """

    score: float | None
    evidence: str


def judge(mail: ParsedMail) -> Spam | None:
    """Return why `mail` is taken for spam, or None if nothing says so.

    That is: a server's verdict says *yes*, or a score reaches the setting SPAM_SCORE.
    """
    scores = list(_scores(mail))
    highest = score_of(mail)
    for name, is_spam in _VERDICTS.items():
        for value in mail.headers.get(name, ()):
            if is_spam(value):
                return Spam(highest, _quoted(name, value))
    for score, words in scores:
        if score >= float(conf.get("SPAM_SCORE")):
            return Spam(highest, words)
    return None


def score_of(mail: ParsedMail) -> float | None:
    """Return the highest score that mail servers wrote into the mail, None if there is none."""
    return max((score for score, _words in _scores(mail)), default=None)


def _quoted(name: str, value: str) -> str:
    return f"{name.title()}: {' '.join(value.split())}"[:300]


# --- verdicts ------------------------------------------------------------------------------------

Test = Callable[[str], bool]


def _matching(pattern: str) -> Test:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda value: compiled.match(value.strip()) is not None


def _is_junk_level(value: str) -> bool:
    """Read a bare SCL."""
    found = re.match(r"\s*(-?\d{1,2})\s*$", value)
    return found is not None and int(found[1]) >= MIN_SCL


def _forefront(value: str) -> bool:
    """Read `CIP:…;SCL:5;SFV:SPM;…`: SPM is spam, SKS and SKB were junk by rule or block list before."""
    pairs = {
        name.strip().upper(): rest.strip()
        for name, colon, rest in (part.partition(":") for part in value.split(";"))
        if colon
    }
    return pairs.get("SFV", "").upper() in {"SPM", "SKS", "SKB"} or _is_junk_level(
        pairs.get("SCL", "")
    )


_YES: Final = _matching(r"(?:yes|true|spam)\b")
#: Header → whether its value says *yes*.
_VERDICTS: Final[dict[str, Test]] = {
    # SpamAssassin, and what imitates it (Rspamd's milter, amavis, mimedefang)
    "x-spam-flag": _YES,
    "x-spam-status": _YES,
    "x-spam": _YES,
    "x-nai-spam-flag": _YES,
    # Rspamd
    "x-spamd-result": _matching(r"\w+:\s*true\b"),
    "x-rspamd-action": _matching(r"reject\b|add[ _]header\b|rewrite[ _]subject\b|quarantine\b"),
    # Exchange and Microsoft 365
    "x-ms-exchange-organization-scl": _is_junk_level,
    "x-forefront-antispam-report": _forefront,
    # other products
    "x-proofpoint-spam-details": _matching(
        r".*\brule=(?:\w+_)?(?:definite)?(?:spam|phish|malware)\b"
    ),
    "x-barracuda-spam-flag": _YES,
    "x-barracuda-spam-status": _YES,
    "x-bogosity": _YES,
    "x-dspam-result": _matching(r"(?:spam|bl[ao]cklisted)\b"),
    "x-purgate-type": _matching(r"(?:spam|malware)\b"),
    "x-spamexperts-class": _matching(r"(?:spam|phish)"),
}

# --- scores --------------------------------------------------------------------------------------

_NUMBER = r"(-?\d{1,5}(?:\.\d{1,6})?)"
#: Header → where its score stands; all on SpamAssassin's scale.
_SCORES: Final = {
    "x-spam-status": re.compile(rf".*?\b(?:score|hits)\s*=\s*{_NUMBER}", re.IGNORECASE),
    "x-spam-score": re.compile(rf"{_NUMBER}(?![\d.])"),
    "x-rspamd-score": re.compile(rf"{_NUMBER}(?![\d.])"),
    "x-spamd-result": re.compile(rf".*?\[\s*{_NUMBER}\s*/", re.DOTALL),
}
#: Header → the sign of which there is one for each point.
_LEVELS: Final = ("x-spam-level", "x-spam-bar", "x-rspamd-bar")


def _scores(mail: ParsedMail) -> Iterator[tuple[float, str]]:
    for name, pattern in _SCORES.items():
        for value in mail.headers.get(name, ()):
            found = pattern.match(value.strip())
            if found is not None:
                tenfold = name == "x-spam-score" and _is_tenfold(mail, found[1])
                yield float(found[1]) / (10 if tenfold else 1), _quoted(name, value)
    for name in _LEVELS:
        for value in mail.headers.get(name, ()):
            signs = re.match(r"[*+]+|[sx]+", value.strip(), re.IGNORECASE)
            if signs is not None:
                yield float(len(signs[0])), _quoted(name, value)


def _is_tenfold(mail: ParsedMail, number: str) -> bool:
    """Tell whether Exim (cPanel) wrote the score without its point: it writes a bar as well."""
    return "." not in number and bool(mail.headers.get("x-spam-bar"))
