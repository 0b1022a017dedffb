"""Files of a form that comes back: a browser sends them once, so they are held until the form is sent for good.

For each the form carries a signed token, and a box to leave the file out. A token counts for one form, one of its
inputs, one browser and one person, for some hours and once. Whatever is wrong with one, the answer is the same: it
says nothing of whether there is such a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from helpdesk import conf, limits, origin, uploads
from helpdesk.models import HeldFile, Holder, ToHold

from .base import form_key_of
from .uploads import Chosen, FilesField

#: What the names of these inputs end in: the token of a file that is held, and that it is to be left out.
HELD, LEFT_OUT = "held", "left_out"
AGAIN = _("Please choose the file again.")
#: The code of that error.
GONE = "gone"
#: So many tokens of one input are looked at.
_MOST = 100
_SALT = "helpdesk.pages.holding"
_OURS = re.compile(rf"q_[a-z0-9_]+-(?:{HELD}|{LEFT_OUT})")


class Gone(Exception):
    """A held file of a form that was good a moment ago is not there any more."""


def is_ours(name: str) -> bool:
    """Tell whether an input is one of those that only say what is held."""
    return _OURS.fullmatch(name) is not None


def sent_form(page: Any, request: HttpRequest) -> Any:
    """Return the form of a page as it was sent, with the files held for it."""
    holding = Holding(request, form_key_of(page))
    return page.get_form(request.POST, request.FILES, user=request.user, holding=holding)


def _digest(salt: str, text: str) -> str:
    return salted_hmac(f"{_SALT}.{salt}", text, algorithm="sha256").hexdigest()


class Holding:
    """What is held for whoever sends a form, and how it gets there.

    A browser is known by the secret of its protection against forged requests: nobody else has it, and it changes
    with each log-in. Without it nothing is held.
    """

    def __init__(self, request: HttpRequest, form_key: UUID) -> None:
        user: Any = request.user
        pk = user.pk if user.is_authenticated else None
        secret = request.META.get("CSRF_COOKIE") or ""
        network = origin.network()
        counted = f"user {pk}" if pk is not None else network
        self._network = network
        self._left_out: list[int] = []
        self.holder = Holder(
            form_key=form_key,
            visitor=_digest("visitor", f"{pk or ''} {secret}") if secret else "",
            user_id=pk,
            source=_digest("source", counted) if counted else "",
        )

    # --- what is there already ---

    def find(self, form: Any) -> None:
        """Tell each field of files what is held for it. One query if anything was sent of it; nothing is changed."""
        sent = {name: self._tokens(form.data, name) for name, _field in files_fields(form)}
        found = self._rows([one for tokens in sent.values() for one in tokens.values()])
        self._left_out = []
        for name, field in files_fields(form):
            out = set(_texts(form.data, f"{name}-{LEFT_OUT}"))
            field.held, field.known, field.wrong = [], [], []
            for token, (key, sha256) in sent[name].items():
                row = found.get((name, key, sha256)) if key is not None else None
                if token in out:
                    self._left_out += [row.pk] if row is not None else []
                else:
                    self._give(field, token, sha256, row)

    def _rows(self, said: list[tuple[UUID | None, str]]) -> dict[tuple[str, UUID, str], HeldFile]:
        keys = {key for key, _sha256 in said if key is not None}
        if not keys or not self.holder.visitor:
            return {}
        rows = HeldFile.fresh(self.holder).filter(key__in=keys)
        return {(row.field, row.key, row.blob.sha256): row for row in rows}

    def _give(self, field: FilesField, token: str, sha256: str, row: HeldFile | None) -> None:
        field.known += [sha256] if sha256 else []
        if row is None:
            field.wrong.append(ValidationError(str(AGAIN), code=GONE if sha256 else "forged"))
        elif row.blob.is_quarantined:
            field.wrong.append(ValidationError(uploads.infected(row.name), code="infected"))
        else:
            field.held.append(_chosen(row, token))

    def _tokens(self, data: Any, name: str) -> dict[str, tuple[UUID | None, str]]:
        """Return what the tokens of an input say: key and digest; None and '' of one that is not genuine or too old."""
        texts = dict.fromkeys(_texts(data, f"{name}-{HELD}")[:_MOST])
        return {text: self._read(text, name) for text in texts if text}

    def _signer(self, name: str) -> signing.TimestampSigner:
        place = f"{self.holder.form_key}:{name}:{self.holder.visitor}"
        return signing.TimestampSigner(salt=f"{_SALT}:{place}")

    def _read(self, token: str, name: str) -> tuple[UUID | None, str]:
        hours = int(conf.get("HELD_FILE_HOURS"))
        try:
            key, _dot, sha256 = self._signer(name).unsign(token, max_age=hours * 3600).partition(".")  # fmt: skip
            return UUID(key), sha256
        except (signing.BadSignature, ValueError):
            return None, ""

    def _token(self, row: HeldFile) -> str:
        return self._signer(row.field).sign(f"{row.key.hex}.{row.blob.sha256}")

    # --- what comes to it ---

    def keep(self, form: Any) -> bool:
        """Hold the good files that were sent with a form that comes back; tell whether all that were sent are there.

        Nothing is held of what a program sent, or beyond a limit: `form.lost_names` are those to choose again.
        """
        if self._left_out:
            HeldFile.drop(HeldFile.objects.filter(pk__in=self._left_out))
        sent = [(name, one) for name, field in files_fields(form) for one in field.sent(form[name].data)]  # fmt: skip
        large = [(name, one) for name, one in sent if form.fields[name].is_too_large(one)]
        fitting, lost = _fitting(form, [one for one in sent if one not in large])
        if fitting and not self._may_keep(form, [file.size for _name, file in fitting]):
            fitting, lost = [], [*fitting, *lost]
        good = []
        for name, file in [*fitting, *large]:
            field = form.fields[name]
            try:
                chosen = field.judged(file)
            except ValidationError as error:  # mostly its field says so already
                is_said = set(error.messages) <= set(form.errors.get(name, ()))
                lost += [] if is_said else [(name, file)]
            else:
                good += [] if field.has(chosen) else [(name, chosen)]
        if good:
            self._hold(form, good)
        form.lost_names += [uploads.clean_name(str(file.name)) for _name, file in lost]
        return not lost

    def _may_keep(self, form: Any, sizes: list[int]) -> bool:
        """Tell whether files of these sizes may be looked at and held; that is counted."""
        if not self.holder.visitor or form.is_by_program:
            return False
        try:
            if self._network:
                limits.count("FORMS_PER_IP", f"files {self._network}")
            for _size in sizes:
                limits.count("UPLOADS_PER_IP")
        except limits.TooOften:
            return False
        most, source = int(conf.get("HELD_BYTES_PER_IP")), self.holder.source
        return not most or not source or HeldFile.bytes_of(source) + sum(sizes) <= most

    def _hold(self, form: Any, good: list[tuple[str, Chosen]]) -> None:
        files = [ToHold(name, one.name, one.content_type, one.read()) for name, one in good]
        for row in HeldFile.hold(self.holder, files):
            form.fields[row.field].held.append(_chosen(row, self._token(row)))

    # --- what becomes of it ---

    def use(self, form: Any) -> None:
        """Let go of what is filed in the transaction at hand; once that holds, also of what was left out.

        Raises `Gone` if somebody else used one of them, or its time was over, in this moment.
        """
        filed = {one.row.pk for one in form.chosen() if one.row is not None}
        if filed and not HeldFile.take(filed):
            raise Gone
        shown = [one.row.pk for _name, field in files_fields(form) for one in field.held if one.row]
        rest = {*shown, *self._left_out} - filed
        if rest:
            rows = HeldFile.objects.filter(pk__in=rest)
            transaction.on_commit(partial(HeldFile.drop, rows), robust=True)


def find(form: Any) -> None:
    """Tell a form that was sent what is held for it, see `Holding.find`."""
    if form.holding is not None and form.is_bound:
        form.holding.find(form)


def keep(form: Any) -> bool:
    """Hold the files of a form that comes back, see `Holding.keep`; a form without a visitor has none."""
    return form.holding is None or form.holding.keep(form)


def use(form: Any) -> None:
    """Let go of what is filed in the transaction at hand, see `Holding.use`. Raises `Gone`."""
    if form.holding is not None:
        form.holding.use(form)


def files_fields(form: Any) -> Iterator[tuple[str, FilesField]]:
    """Yield the fields of files of a form with their names."""
    for name in form.inputs:
        field = form.fields[name]
        if isinstance(field, FilesField):
            yield name, field


def bytes_of(file: Chosen) -> bytes:
    """Return the bytes of a chosen file. Raises `Gone` if the storage lost them: it is held no longer."""
    try:
        return file.read()
    except FileNotFoundError:
        if file.row is not None:
            HeldFile.drop(HeldFile.objects.filter(pk=file.row.pk))
        raise Gone from None


def tokens(form: Any) -> list[tuple[str, str]]:
    """Return what a page sends for the files that a form holds: names of inputs, and tokens."""
    return [
        (f"{name}-{HELD}", one.token) for name, field in files_fields(form) for one in field.held
    ]


def is_only_gone(form: Any) -> bool:
    """Tell whether nothing is wrong with a checked form but that held files are not there any more."""
    found = [error.code for errors in form.errors.as_data().values() for error in errors]
    return bool(found) and set(found) == {GONE}


def _chosen(row: HeldFile, token: str) -> Chosen:
    return Chosen(row.name, row.blob.size, row.content_type, row.blob.sha256, row=row, token=token)


def _fitting(form: Any, sent: list[tuple[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Return those of the files sent (input, file) that one form may have besides what it holds, and the others."""
    held = [one for _name, field in files_fields(form) for one in field.held]
    number = int(conf.get("UPLOAD_MAX_FILES")) - len(held)
    room = int(conf.get("UPLOAD_MAX_TOTAL")) - sum(one.size for one in held)
    fitting, others = [], []
    for name, file in sent:
        if number > 0 and file.size <= room:
            number, room = number - 1, room - file.size
            fitting.append((name, file))
        else:
            others.append((name, file))
    return fitting, others


def _texts(data: Any, name: str) -> list[str]:
    return list(data.getlist(name)) if hasattr(data, "getlist") else []
