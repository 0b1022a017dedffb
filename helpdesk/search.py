"""Who finds what: full text over tickets, always within `visible_tickets`.

One entry per article and one per ticket hold the words, folded here so that every database sees the
same ones; PostgreSQL and SQLite index them by their own means (migration 0003). Whether an article
is visible is asked at the time of the search, so that no entry can be out of date about it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from itertools import groupby
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import Lookup, Prefetch, Q, QuerySet
from django.db.models.lookups import In

from . import answered
from .models import Article, SearchEntry, Sender, TaggedTicket, Ticket, delete_rows, insert
from .permissions import Actor, hidden_articles, own_tickets, visible_tickets
from .rules import answers

#: Bounds of an entry: a `tsvector` holds one megabyte, a word of it two kilobytes.
MAX_CHARACTERS = 100_000
MAX_WORD = 100
#: Bounds of a query.
MAX_QUERY = 500
MAX_TERMS = 12
#: From so many characters on an unquoted word also finds longer ones that begin with it.
MIN_PREFIX = 3

# --- words ---------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\W_]+")
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_UMLAUT = re.compile("ae|oe|ue")
_ACCENT = re.compile("[\u0300-\u036f]")
_BEYOND_LATIN = re.compile("[\u0370-\U0010ffff]")
#: Accents that stand by themselves, as normalising leaves them.
_COMBINING = re.compile(
    "["
    + "".join(char for char in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(char))
    + "]"
)


def fold(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents, with ß as ss."""
    if text.isascii():
        bare = text.lower()
    else:
        bare = unicodedata.normalize("NFKD", text).casefold()
        bare = (_COMBINING if _BEYOND_LATIN.search(bare) else _ACCENT).sub("", bare)
    return [word[:MAX_WORD] for word in _WORD.findall(bare)]


def _words(*texts: str) -> str:
    """Return what an entry stores for some texts: bounded, and free of anything but words."""
    folded: list[str] = []
    left = MAX_CHARACTERS
    for text in texts:
        folded += fold(text[:left])
        left -= len(text)
        if left <= 0:
            break
    return " ".join(folded)[:MAX_CHARACTERS]


# --- the query -----------------------------------------------------------------------------------

_TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')
_NUMBER = re.compile(r"\[?\s*(?:ticket\s*)?#?\s*([0-9][0-9 ]*)\]?", re.IGNORECASE)
_MIN_NUMBER = 8  # the day, with which every number begins


@dataclass(frozen=True)
class Term:
    """One word or phrase of a query: spellings of which one must occur (or none, if excluded)."""

    spellings: tuple[tuple[str, ...], ...]
    is_phrase: bool = False
    is_excluded: bool = False


def read_query(words: str) -> tuple[Term, ...]:
    """Return the terms of what somebody typed. Any text is a query; none is a syntax error.

    Quotes make a phrase, a minus excludes; everything else is taken by its words, so an address or
    a word with a hyphen is a phrase as well.
    """
    terms: list[Term] = []
    for minus, quoted, plain in _TERM.findall(words[:MAX_QUERY]):
        text = quoted or plain
        spellings = dict.fromkeys(tuple(fold(one)) for one in _spellings(text))
        if any(spellings):
            terms.append(Term(tuple(filter(None, spellings)), bool(quoted), bool(minus)))
    return tuple(terms[:MAX_TERMS])


def _spellings(text: str) -> Iterator[str]:
    """Yield the text, and as it stands where umlauts are spelled out or were."""
    lower = unicodedata.normalize("NFC", text).lower()
    yield lower
    yield lower.translate(_SPELLED_OUT)
    yield _UMLAUT.sub(lambda pair: pair[0][0], lower)


def read_number(words: str) -> str | None:
    """Return the digits of a query that is nothing but (the beginning of) a ticket number."""
    asked = _NUMBER.fullmatch(words.strip()[:MAX_QUERY])
    if asked is None:
        return None
    digits = asked[1].replace(" ", "")
    is_marked = "#" in words or "ticket" in words.lower()
    return digits if is_marked or len(digits) >= _MIN_NUMBER else None


# --- how each database looks up --------------------------------------------------------------------


class HasTerm(Lookup):
    """`words__has=Term(…)`: the entry has one of the term's spellings, by the database's index."""

    lookup_name = "has"
    prepare_rhs = False

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        alias = compiler.quote_name_unless_alias(self.lhs.alias)
        exact = " | ".join(_tsquery(one) for one in self.rhs.spellings)
        if self.rhs.is_phrase:
            return f"{alias}.vector @@ to_tsquery('simple', %s)", [exact]
        start = " | ".join(_tsquery(one, prefix=True) for one in self.rhs.spellings)
        # stems are compared whole: the beginning of a stem would find far too much
        query = "to_tsquery('simple', %s) || to_tsquery('german', %s) || to_tsquery('english', %s)"
        return f"{alias}.vector @@ ({query})", [start, exact, exact]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        alias = compiler.quote_name_unless_alias(self.lhs.alias)
        prefix = not self.rhs.is_phrase
        match = " OR ".join(_fts5(one, prefix=prefix) for one in self.rhs.spellings)
        rows = "SELECT rowid FROM helpdesk_searchwords WHERE helpdesk_searchwords MATCH %s"
        return f"{alias}.id IN ({rows})", [match]


class Hit(In):
    """`pk__hit=<subquery>`: `pk__in`, with the hits looked up once and first on PostgreSQL.

    Its planner guesses far too many hits for the beginning of a word; with a plain IN and a LIMIT
    it then walks through all tickets, newest first, and asks for each.
    """

    lookup_name = "hit"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        if connection.vendor == "postgresql":
            return f"= ANY(ARRAY{rhs})"
        return super().get_rhs_op(connection, rhs)


SearchEntry._meta.get_field("words").register_lookup(HasTerm)
Ticket._meta.pk.register_lookup(Hit)


def _tsquery(spelling: tuple[str, ...], *, prefix: bool = False) -> str:
    """Return words as PostgreSQL's query language has them; they hold letters and digits only."""
    end = ":*" if prefix and len(spelling[-1]) >= MIN_PREFIX else ""
    return "(" + " <-> ".join(f"'{word}'" for word in spelling) + end + ")"


def _fts5(spelling: tuple[str, ...], *, prefix: bool) -> str:
    end = " *" if prefix and len(spelling[-1]) >= MIN_PREFIX else ""
    return f'("{" ".join(spelling)}"{end})'


# --- finding -------------------------------------------------------------------------------------


def find_tickets(actor: Actor, words: str) -> QuerySet[Ticket]:
    """Return the tickets that `actor` may read and that match `words`, in no other order than usual.

    All terms must occur, each anywhere in the ticket; everybody finds by what they can see only, so
    tags are for agents, and notes for those who do not just read along.
    Agents may ask for an answer in a form by its key: `answer:room=4711`.
    A ticket number (with or without `Ticket#`, or its beginning) finds that ticket. Blank words find
    everything, words without a letter or digit nothing.
    """
    tickets = visible_tickets(actor)
    words = words.replace("\x00", " ")
    if actor.kind == "agent":
        asked, words = answers.read_asked(words[:MAX_QUERY])
        tickets = answered.saying(tickets, asked)
    if not words.strip():
        return tickets
    entries = _searchable(actor)
    terms = read_query(words)
    number = read_number(words)
    if number is not None:
        return tickets.filter(pk__hit=_numbered(number, entries))
    if not terms:
        return tickets.none()
    hits = [entries.filter(words__has=one).values("ticket") for one in terms if not one.is_excluded]
    misses = [entries.filter(words__has=one).values("ticket") for one in terms if one.is_excluded]
    if not hits:
        return tickets.exclude(reduce(or_, (Q(pk__in=one) for one in misses)))
    # everything about words inside, so that the tickets are looked up by one list of ids
    first = reduce(lambda found, one: found.filter(ticket__in=one), hits)
    return tickets.filter(
        pk__hit=reduce(lambda found, one: found.exclude(ticket__in=one), misses, first)
    )


def _searchable(actor: Actor) -> QuerySet[SearchEntry]:
    """Return the entries by which `actor` may find a ticket that is visible."""
    entries = SearchEntry.objects.all()
    if actor.kind == "customer":
        # a ticket's own entry holds its customer's addresses: nothing to try out for who only takes part,
        # or is known by one of them
        mine = Q(pk__in=()) if actor.address else own_tickets(actor)
        own = Ticket.objects.filter(mine).order_by().values("pk")
        seen = Q(article__visible=True) | Q(article__isnull=True, ticket__in=own)
        return entries.filter(seen, internal__isnull=True)
    hidden = hidden_articles(actor)
    # by what is left out, and not by what may be seen: that is looked up once, and mostly nothing
    return entries if hidden is None else entries.exclude(article__in=hidden.values("pk"))


def _numbered(number: str, entries: QuerySet[SearchEntry]) -> QuerySet[Any]:
    """Return ids of tickets by number, and of those that mention the digits.

    A union, for with OR no database uses both indexes.
    """
    by_number = Ticket.objects.filter(number__startswith=number).order_by().values("pk")
    mentioned = entries.filter(words__has=Term(((number,),))).order_by().values("ticket")
    return by_number.union(mentioned)


# --- indexing ------------------------------------------------------------------------------------


def index_new(article: Article, names: Iterable[str], *, ticket: Ticket | None) -> None:
    """Put a new article with the names of its files into the index, and its `ticket`, if that is new as well."""
    if ticket is not None:
        insert(SearchEntry(ticket=ticket, words=_ticket_words(ticket)), with_id=False)
    words = _article_words(article, names)
    entry = SearchEntry(ticket_id=article.ticket_id, article=article, words=words)
    insert(entry, with_id=False)


def index_article(article: Article) -> None:
    """Renew the entry of one article."""
    names = article.attachments.values_list("name", flat=True)
    entry = SearchEntry(
        ticket_id=article.ticket_id, article=article, words=_article_words(article, names)
    )
    SearchEntry.objects.bulk_create(
        [entry], update_conflicts=True, unique_fields=["article"], update_fields=["words", "ticket"]
    )


def index_ticket(ticket: Ticket) -> None:
    """Put number, subject, customer and answers of a ticket into the index, or renew its entry."""
    words = _ticket_words(ticket)
    _write(ticket, None, words)


def index_tags(ticket: Ticket, names: Iterable[str]) -> None:
    """Put the names of a ticket's tags into the index, for its agents alone, or take them out."""
    words = _words(*names)
    if words:
        _write(ticket, True, words)
    else:
        SearchEntry.objects.filter(ticket=ticket, internal=True).delete()


def _write(ticket: Ticket, internal: bool | None, words: str) -> None:
    entries = SearchEntry.objects.filter(ticket=ticket, article=None, internal=internal)
    # the caller holds the ticket's row: nobody else writes its entry between these two
    if not entries.update(words=words):
        SearchEntry.objects.create(ticket=ticket, internal=internal, words=words)


def move_articles(article_ids: Collection[int], ticket: Ticket) -> None:
    """Let articles that changed their ticket be found there."""
    SearchEntry.objects.filter(article__in=article_ids).update(ticket=ticket)


def forget(ticket_ids: Collection[int]) -> int:
    """Remove tickets with their articles from the index; return the number of entries removed.

    Call `purge` when the last of many is forgotten.
    """
    return delete_rows(SearchEntry.objects.filter(ticket__in=ticket_ids))


def purge() -> None:
    """Rewrite the index so that its file holds nothing forgotten: SQLite before 3.42 needs it.

    Takes seconds for each 100,000 entries.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO helpdesk_searchwords (helpdesk_searchwords) VALUES ('optimize')"
            )


def reindex(*, batch: int = 500) -> Iterator[int]:
    """Make the index anew, `batch` tickets a transaction; yield the tickets done after each.

    The site may go on meanwhile: the rows of a batch are locked while their entries are exchanged.
    """
    last, done = 0, 0
    one_batch = transaction.atomic(partial(_renew, batch=batch))
    while ids := one_batch(last):
        last, done = ids[-1], done + len(ids)
        yield done


def renew(ticket_ids: Collection[int]) -> None:
    """Make the entries of some tickets anew. Call inside a transaction."""
    _renew_rows(Ticket.objects.filter(pk__in=ticket_ids))


def _renew(after: int, *, batch: int) -> list[int]:
    return _renew_rows(Ticket.objects.filter(pk__gt=after), batch)


def _renew_rows(which: QuerySet[Ticket], batch: int | None = None) -> list[int]:
    rows = which.select_for_update(of=("self",), no_key=True).order_by("pk")
    found = rows.select_related("customer").prefetch_related("customer__addresses")
    tickets = list(found if batch is None else found[:batch])
    ids = [ticket.pk for ticket in tickets]
    forget(ids)
    entries = [SearchEntry(ticket=ticket, words=_ticket_words(ticket)) for ticket in tickets]
    entries += _tag_entries(ids)
    SearchEntry.objects.bulk_create(entries, batch_size=100)
    for article_batch in _article_entries(ids):
        SearchEntry.objects.bulk_create(article_batch)
    return ids


def _tag_entries(ticket_ids: list[int]) -> list[SearchEntry]:
    names: dict[int, list[str]] = {}
    rows = TaggedTicket.objects.filter(content_object__in=ticket_ids).order_by("tag__name")
    for ticket_id, name in rows.values_list("content_object_id", "tag__name"):
        names.setdefault(ticket_id, []).append(name)
    return [
        SearchEntry(ticket_id=ticket_id, internal=True, words=_words(*found))
        for ticket_id, found in names.items()
    ]


def _article_entries(ticket_ids: list[int]) -> Iterator[list[SearchEntry]]:
    """Yield the entries of all articles of some tickets, a hundred at a time: bodies may be large."""
    articles = (
        Article.objects.filter(ticket__in=ticket_ids)
        .defer("html", "extra", "references")
        .order_by("pk")
        .prefetch_related(Prefetch("attachments"))
    )
    numbered = enumerate(articles.iterator(chunk_size=100))
    for _hundred, rows in groupby(numbered, key=lambda row: row[0] // 100):
        yield [
            SearchEntry(
                ticket_id=article.ticket_id,
                article=article,
                words=_article_words(article, [file.name for file in article.attachments.all()]),
            )
            for _position, article in rows
        ]


def _article_words(article: Article, names: Iterable[str]) -> str:
    # which agent wrote is not for customers to find out, where a queue shows them its team
    who = () if article.sender == Sender.AGENT else (article.from_name, article.from_address)
    return _words(article.subject, *who, *names, article.body)


def _ticket_words(ticket: Ticket) -> str:
    texts = [ticket.number, ticket.subject, ticket.contact]
    if ticket.customer is not None:
        texts += [ticket.customer.name, ticket.customer.login_name or ""]
        texts += [row.address for row in ticket.customer.all_addresses()]
    for answer in ticket.answers:
        texts += _answer_texts(answer)
    return _words(*texts)


def _answer_texts(answer: dict[str, Any]) -> Iterator[str]:
    """Yield what an answer shows, that of a repeated group row by row."""
    yield str(answer.get("shown") or "")
    for row in answer.get("rows") or ():
        for inner in row:
            yield from _answer_texts(inner)
