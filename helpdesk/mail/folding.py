"""Marks what a reply repeats: quoted mails and signatures, for display only.

Nothing is ever cut: the segments put together are the text. A quotation between a person's own
words stays readable text, since those words answer to it; what is folded is the tail that everybody
has already read, and a quotation that a mail program has introduced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "quote", "signature"]

LIMIT_LINES: Final = 20_000  # beyond that a text is shown as it is


@dataclass(frozen=True, slots=True)
class Segment:
    kind: Kind
    text: str


def fold(text: str) -> tuple[Segment, ...]:
    """Return `text` in segments of own words, quotations and signatures; joined they are `text`."""
    lines = text.splitlines(keepends=True)
    if not lines or len(lines) > LIMIT_LINES:
        return (Segment("text", text),) if text else ()
    kinds = _Folder(lines).kinds()
    segments: list[Segment] = []
    start = 0
    for index in range(1, len(lines) + 1):
        if index == len(lines) or kinds[index] != kinds[start]:
            segments.append(Segment(kinds[start], "".join(lines[start:index])))
            start = index
    return tuple(segments)


_QUOTED = re.compile(r"\s{0,3}>|\s{0,3}&gt;|\s{0,3}\|(?!.*\|\s*$)")  # the last: no row of a table
_FENCE = re.compile(r"\s{0,3}```")

_VERBS = (
    r"wrote|writes|writes to|schrieb|schreibt|geschrieben|a écrit|écrit|escribió|escribio|ha scritto|scritto"
    r"|schreef|geschreven|skrev|napisał(?:\(a\)|a)?|pisze|escreveu|написал(?:\(а\)|а)?|пишет|пише|写道|寫道|kirjoitti|napsal"
)
_VERB = re.compile(rf"(?:^|[\s>,]|\d)(?:{_VERBS})(?:$|[\s:,])", re.IGNORECASE)
_DATED = re.compile(r"\d{4}|\d{1,2}[:.]\d{2}|\d{1,2}[./]\s?\d{1,2}[./]|@|<")
_BARE_ATTRIBUTION = re.compile(
    # a date and an address, and a colon: languages whose verb we do not know
    r"(?=.*\b(?:19|20)\d\d\b)(?=.*\d{1,2}[:.]\d{2}).*<[^<>]*@[^<>]*>\s*:\s*$",
    re.DOTALL,
)
# a date and a sender alone, if a quotation follows
_DATED_SENDER = re.compile(r"(?=.*\b(?:19|20)\d\d\b).*<[^<>]*@[^<>]*>", re.DOTALL)
_OPENING = re.compile(
    r"\s*[-*_]*\s*(?:on|am|le|el|il|op|em|den|dnia|w dniu|på|в|вт|ср|чт|пт|сб|вс|пн|\d+)\b.*\d",
    re.IGNORECASE,
)

_ORIGINAL = re.compile(
    r"\s*[*_>]*\s*[-_=]{2,}\s*(?:original message|original appointment|forwarded (?:by|message)"
    r"|reply message|ursprüngliche (?:nachricht|mail)|ursprungliche nachricht|original-?nachricht"
    r"|originalnachricht|weitergeleitete (?:nachricht|e-?mail)|message d'origine|message transféré"
    r"|mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|oorspronkelijk bericht"
    r"|opprinnelig melding|ursprungligt meddelande|mensagem original|исходное сообщение"
    r"|пересылаемое сообщение|begin forwarded message)\b.*|\s*(?:begin forwarded message|anfang der"
    r" weitergeleiteten (?:nachricht|e-mail))\s*:\s*$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\s*>?\s*[*_]*(?P<label>from|von|de|da|van|fra|från|od|от|від|発信者|发件人|寄件者"
    r"|sent|gesendet|date|datum|envoyé|enviado(?: el)?|inviato|verzonden|sendt|skickat|data|fecha|дата|отправлено"
    r"|to|an|à|para|a|aan|til|till|do|кому|cc|kopie|kopi|cópia|копия|bcc"
    r"|risposta|subject|betreff|objet|asunto|oggetto|onderwerp|emne|ämne|assunto|temat|тема"
    r"|发送时间|收件人|主题|寄件日期|收件者|主旨|reply-to|antwort an|wichtigkeit|importance|priorität)"
    r"\s*[*_]*\s*[:：][*_]*(?P<value>.*)$",
    re.IGNORECASE,
)
_FROM_LABELS: Final = {
    "from",
    "von",
    "de",
    "da",
    "van",
    "fra",
    "från",
    "od",
    "от",
    "від",
    "发件人",
    "寄件者",
}

_SEPARATOR = re.compile(r"\s*(?:[-_=*#~+]{2,}|[\u1427]|(?:[-_] ?){3,})\s*$")
_SIGNATURE_START = re.compile(r"(?:--|–|—|__+|~~+)\s*$")
_DEVICE = re.compile(
    r"\s*[<(]*(?:sent (?:from|via|with|by|using)\b|von meinem .{2,60}gesendet|gesendet (?:von|mit|über)\b"
    r"|diese (?:nachricht|e-?mail) wurde von .{2,80}gesendet|from my (?:iphone|ipad|android|mobile|phone)"
    r"|get \[?outlook for|holen sie sich outlook|outlook für (?:ios|android)"
    r"|envoyé (?:depuis|de mon|à partir)|enviado (?:desde|do meu|via)|inviato da(?:l mio)?\b"
    r"|verzonden (?:met|vanaf|vanuit)|verstuurd vanaf|skickat från|sendt fra|wysłane z|отправлено (?:с|из)\b"
    r"|someone from mobile|從我的|发自我的|iphone[- ]?から)",
    re.IGNORECASE,
)


class _Folder:
    """Decides line by line, first what a line looks like, then what it is in its place."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = [line.strip("\r\n\u200b\ufeff") for line in lines]
        self._kinds: list[Kind] = ["text"] * len(lines)
        self._fenced = self._code()
        self._scanned = 0
        self._first_words: int | None = None

    def kinds(self) -> list[Kind]:
        index = 0
        while index < len(self._lines):
            index = self._step(index)
        self._fold_tail()
        self._keep_something()
        return self._kinds

    def _code(self) -> set[int]:
        """Return the lines inside fenced code, in which nothing means what it looks like."""
        marks = [i for i, line in enumerate(self._lines) if _FENCE.match(line)]
        return {i for a, b in zip(marks[::2], marks[1::2], strict=False) for i in range(a, b + 1)}

    def _step(self, index: int) -> int:
        """Decide about the line at `index`; return the next line to decide about."""
        line, count = self._lines[index], len(self._lines)
        if index in self._fenced or not line.strip() or _QUOTED.match(line):
            return index + 1
        head = self._header_end(index)
        if head:
            return self._embedded(index, head)
        end = self._attribution_end(index)
        if end:
            following = self._next_filled(end)
            if self._quoted_at(end):
                stop = self._quote_end(following)
                self._set(index, stop, "quote")
                return stop
            return self._embedded(index, end) if following < count else end
        return index + 1

    def _embedded(self, start: int, body: int) -> int:
        """Fold a mail embedded without quote marks: to the end, if own words stand before it."""
        if self._words_before(start):
            self._set(self._separator_before(start), len(self._lines), "quote")
            return len(self._lines)
        # nothing else was written: a forwarded mail is the message
        self._set(start, body, "quote")
        return body

    def _header_end(self, index: int) -> int:
        """Return where a head such as Outlook's ends that begins at `index`; 0 if none does."""
        line = self._lines[index]
        original = _ORIGINAL.match(line) is not None
        first = self._next_filled(index + 1) if original else index
        labels, position, last = 0, first, index
        while position < min(first + 14, len(self._lines)):
            match = _LABEL.match(self._lines[position])
            filled = bool(self._lines[position].strip())
            # a long value goes on in the next line; anything else ends the head
            if match is None and not (filled and labels >= 3) and (filled or not labels):
                break
            if match is not None:
                if labels == 0 and not original and match["label"].lower() not in _FROM_LABELS:
                    return 0
                labels += 1
                last = position
            elif filled:
                last = position
            position += 1
            if labels >= 2 and position < len(self._lines) and not self._lines[position].strip():
                break
        if original:
            return last + 1
        return last + 1 if labels >= 3 or (labels == 2 and last - index <= 3) else 0

    def _attribution_end(self, index: int) -> int:
        """Return where a line like "On … wrote:" ends that begins at `index`; 0 if none does."""
        if not self._lines[index].strip():
            return 0
        for end in range(index, min(index + 4, len(self._lines))):
            line = self._lines[end].strip()
            if not line or (end > index and self._starts_sentence(line)):
                return 0
            if self._attributes(index, end):
                # the line before may be a person's own last one
                opened = _OPENING.match(self._lines[index])
                others = range(index + 1, end + 1)
                own = not opened and any(self._attributes(start, end) for start in others)
                return 0 if own else end + 1
        return 0

    def _attributes(self, start: int, end: int) -> bool:
        """Tell whether the lines from start to end say who wrote what follows."""
        joined = " ".join(self._lines[start : end + 1])[:600].strip("- \t")
        verb = _VERB.search(joined)
        closed = joined.endswith((":", "：")) or (verb and verb.end() >= len(joined) - 1)
        if len(joined) < 500 and closed and verb and _DATED.search(joined):
            return True
        if _BARE_ATTRIBUTION.match(joined):
            return True
        return _DATED_SENDER.fullmatch(joined) is not None and self._quoted_at(end + 1)

    def _quoted_at(self, index: int) -> bool:
        following = self._next_filled(index)
        return following < len(self._lines) and _QUOTED.match(self._lines[following]) is not None

    def _starts_sentence(self, line: str) -> bool:
        return _QUOTED.match(line) is not None and not re.match(r">\s*(?:[:,]|wrote|schrieb)", line)

    def _quote_end(self, index: int) -> int:
        """Return where a block of quoted lines ends; blank lines inside belong to it."""
        end = index
        while index < len(self._lines):
            if _QUOTED.match(self._lines[index]):
                end = index + 1
            elif self._lines[index].strip():
                break
            index += 1
        return end

    def _fold_tail(self) -> None:
        """Fold what stands after the last own words: quotations, signatures, lines that only divide."""
        self._fold_signature()
        index = len(self._lines) - 1
        while index >= 0:
            line = self._lines[index]
            if self._kinds[index] != "text" or not line.strip():
                index -= 1
            elif index in self._fenced:
                return
            elif _QUOTED.match(line):
                self._kinds[index] = "quote"
                index -= 1
            elif _DEVICE.match(line) or _SEPARATOR.match(line):
                self._kinds[index] = "signature"
                index -= 1
            else:
                return

    def _fold_signature(self) -> None:
        """Fold from the mark of a signature to the end, or to the quotation that follows."""
        end = len(self._lines)
        start, quoted = None, False
        # upwards, so that each line is looked at once; the first mark of a stretch counts
        for index in range(len(self._lines) - 1, -1, -1):
            line = self._lines[index]
            if self._kinds[index] != "text":
                if start is not None:
                    break
                end, quoted = index, False
            elif _QUOTED.match(line):
                if start is not None:
                    break
                quoted = True
            elif not quoted and index not in self._fenced and _SIGNATURE_START.match(line):
                start = index
        if start is not None and self._words_before(start):
            self._set(start, end, "signature")

    def _keep_something(self) -> None:
        """If nothing would be left to read, fold nothing but what stands apart from all words."""
        if any(
            kind == "text" and line.strip()
            for kind, line in zip(self._kinds, self._lines, strict=True)
        ):
            return
        self._kinds = ["text"] * len(self._lines)

    def _words_before(self, index: int) -> bool:
        """Tell whether own words stand before `index`; remembers how far it has looked."""
        while self._first_words is None and self._scanned < index:
            line = self._lines[self._scanned]
            if self._kinds[self._scanned] == "text" and line.strip() and not _SEPARATOR.match(line):
                self._first_words = self._scanned
            self._scanned += 1
        return self._first_words is not None and self._first_words < index

    def _separator_before(self, index: int) -> int:
        """Return the index of a dividing line right before `index`, else `index`."""
        before = index - 1
        while before >= 0 and not self._lines[before].strip():
            before -= 1
        return before if before >= 0 and _SEPARATOR.match(self._lines[before]) else index

    def _next_filled(self, index: int) -> int:
        while index < len(self._lines) and not self._lines[index].strip():
            index += 1
        return index

    def _set(self, start: int, end: int, kind: Kind) -> None:
        self._kinds[start:end] = [kind] * (end - start)
