"""Files in forms: how many, how big, and of which kind. The kind is read from the content."""

from __future__ import annotations

import codecs
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import filetype
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk import conf, storage, uploads
from helpdesk.models import HeldFile

#: Endings offered when an editor names none: documents and pictures, nothing a browser would run.
DEFAULT_ENDINGS = [
    "pdf",
    "jpg",
    "jpeg",
    "png",
    "gif",
    "webp",
    "heic",
    "txt",
    "csv",
    "docx",
    "xlsx",
    "pptx",
    "odt",
    "ods",
    "odp",
    "doc",
    "xls",
    "ppt",
    "rtf",
]

#: What a file of text is called by its ending; any other is plain text.
_TEXT = {"csv": "text/csv", "ics": "text/calendar", "vcf": "text/vcard", "json": "application/json"}
#: Marks at the beginning of a text, and how it is written. The longer ones first: they begin like the shorter.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: Endings that may stand for the same content: spellings, and containers told apart only inside.
_SAME = (
    {"jpg", "jpeg"},
    {"tif", "tiff"},
    {"heic", "heif"},
    {"mp4", "m4v", "mov"},
    {"doc", "xls", "ppt", "msi"},
)
_ZIPPED = {"docx", "xlsx", "pptx", "odt", "ods", "odp", "zip"}
#: Endings whose content has a mark of its own. What has none of these has to be text.
_MARKED = {str(kind.extension).lower() for kind in filetype.TYPES}.union(*_SAME, _ZIPPED)
_ENDING = re.compile(r"[a-z0-9][a-z0-9_+-]{0,15}")


@dataclass(frozen=True)
class FileLimits:
    """What one field takes: number of files, bytes of each, endings in lower case without a dot."""

    max_files: int
    max_bytes: int
    endings: tuple[str, ...]

    def wrong_ending(self, name: str) -> str:
        """Return the sentence on a file of a kind that is not taken."""
        words = _("“%(name)s” is not of a kind that can be sent here. Possible are: %(endings)s.")
        return words % {"name": name, "endings": ", ".join(self.endings)}


def limits(max_files: int | None, max_megabytes: int | None, endings: str) -> FileLimits:
    """Return the limits an editor chose, never above those of the site; empty means the site's."""
    files, size = int(conf.get("UPLOAD_MAX_FILES")), int(conf.get("UPLOAD_MAX_BYTES"))
    named = endings_of(endings)
    return FileLimits(
        max_files=min(max_files or files, files),
        max_bytes=min(max_megabytes * 1024 * 1024 if max_megabytes else size, size),
        endings=named or tuple(DEFAULT_ENDINGS),
    )


def endings_of(text: str) -> tuple[str, ...]:
    """Return the endings that an editor wrote: “pdf, *.JPG; .txt” are pdf, jpg and txt."""
    words = (word.lower().lstrip("*.") for word in re.split(r"[\s,;]+", text))
    return tuple(dict.fromkeys(filter(None, words)))


def check_ending(ending: str) -> None:
    """Raise `ValidationError` for an ending of which no file could ever be sent."""
    said = {"ending": ending}
    if not _ENDING.fullmatch(ending):
        words = _("“%(ending)s” is no ending of a file. Write them like this: pdf, jpg, png.")
        raise ValidationError(words % said, code="malformed")
    if uploads.is_dangerous(f"x.{ending}", ""):
        words = _("Files ending in “%(ending)s” are never taken: they are programs or web pages.")
        raise ValidationError(words % said, code="refused")


def ending_of(name: str) -> str:
    """Return the ending of a file name in lower case, without the dot; '' if there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def media_type(name: str, content: bytes) -> str | None:
    """Return the media type of `content`, or None if it is not what the ending of `name` says."""
    ending = ending_of(name)
    kind = filetype.guess(content)
    if kind is None:
        may_be = bool(ending) and ending not in _MARKED and not uploads.is_dangerous(name, "")
        return _TEXT.get(ending, "text/plain") if may_be and _is_text(content) else None
    if ending == kind.extension or any({ending, kind.extension} <= same for same in _SAME):
        return str(kind.mime)
    if kind.extension in _ZIPPED and ending in _ZIPPED:
        # writers order the parts of an office file as they like, so that it may look like any zip
        return mimetypes.guess_type(f"x.{ending}")[0] or "application/zip"
    return None


def _is_text(content: bytes) -> bool:
    """Tell whether bytes are a text: without a null, or all of it readable as the mark at its beginning says."""
    coding = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if not coding:
        return b"\0" not in content[:65536]
    try:
        return "\0" not in content.decode(coding)
    except UnicodeDecodeError:
        return False


class FilesInput(forms.FileInput):
    """A file input that takes several files."""

    allow_multiple_selected = True

    def __init__(self, limits: FileLimits) -> None:
        attrs: dict[str, Any] = {
            "accept": ",".join(f".{ending}" for ending in limits.endings),
            # for static/helpdesk/forms.js: what can be told of a file before it is sent
            "data-endings": " ".join(limits.endings),
            "data-most": limits.max_files,
            "data-bytes": limits.max_bytes,
            "data-wrong-ending": limits.wrong_ending("%(name)s"),
            "data-wrong-many": uploads.too_many(limits.max_files),
            "data-wrong-size": uploads.too_large("%(name)s", limits.max_bytes),
        }
        if limits.max_files > 1:
            attrs["multiple"] = True
        super().__init__(attrs)


@dataclass(frozen=True)
class Chosen:
    """A file of a form: its clean name, how many bytes, what these are, their digest. `token` stands for one held."""

    name: str
    size: int
    content_type: str
    sha256: str
    content: bytes | None = field(default=None, repr=False)
    row: HeldFile | None = None
    token: str = ""

    @property
    def size_in_words(self) -> str:
        return uploads.size_in_words(self.size)

    def read(self) -> bytes:
        """Return the bytes. Raises `FileNotFoundError` if the storage lost them."""
        if self.content is None and self.row is not None:
            return self.row.blob.read()
        return self.content or b""


class FilesField(forms.FileField):
    """A field of one or more files; its clean value is a tuple of `Chosen`.

    `pages.holding` tells it what it has besides what is sent now: `held`, what was sent with the form before;
    `known`, the digests of all that was; `wrong`, what is to be said of those that are not there any more.
    """

    def __init__(self, *, limits: FileLimits, key: str = "", **kwargs: Any) -> None:
        self.limits = limits
        self.key = key
        self.held: list[Chosen] = []
        self.known: list[str] = []
        self.wrong: list[ValidationError] = []
        self._judged: dict[int, Chosen | ValidationError] = {}
        super().__init__(widget=FilesInput(limits), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> tuple[Chosen, ...]:  # type: ignore[override]
        sent = self.sent(data)
        self._check_number(len(sent))
        if self.wrong:
            raise ValidationError(self.wrong)
        if not sent and not self.held:
            super().clean(None, initial)
            return ()
        uploads.check_total(sum(file.size or 0 for file in sent))
        checks: list[Callable[[], object]] = [partial(self._check_held, one) for one in self.held]
        checks += [partial(self.judged, file) for file in sent]
        problems = [error for check in checks for error in _errors_of(check)]
        if problems:
            raise ValidationError(problems)
        new = [one for one in map(self.judged, sent) if not self.has(one)]
        self._check_number(len(self.held) + len(new))
        return (*self.held, *new)

    def sent(self, data: Any) -> list[Any]:
        """Return the files that came with the request at hand."""
        return [one for one in (data if isinstance(data, list) else [data]) if one]

    def is_too_large(self, file: Any) -> bool:
        """Tell whether a file that was sent has more bytes than one may have here."""
        return int(file.size or 0) > self.limits.max_bytes

    def has(self, file: Chosen) -> bool:
        """Tell whether a file is held already: somebody chose it again."""
        return any((one.name, one.sha256) == (file.name, file.sha256) for one in self.held)

    def judged(self, file: Any) -> Chosen:
        """Return a file that was sent, read and found good. Raises `ValidationError` if it is not.

        Its number is not looked at. It is read, and scanned, once for each form.
        """
        if id(file) not in self._judged:
            try:
                self._judged[id(file)] = self._judge(file)
            except ValidationError as error:
                self._judged[id(file)] = error
        found = self._judged[id(file)]
        if isinstance(found, ValidationError):
            raise found
        return found

    def digests(self, data: Any) -> list[str]:
        """Return the digests of all good files that the field has or had, each once."""
        good = (one for one in self.sent(data) if not _errors_of(partial(self.judged, one)))
        return list(dict.fromkeys([*self.known, *(self.judged(one).sha256 for one in good)]))

    def _check_number(self, number: int) -> None:
        if number > self.limits.max_files:
            raise ValidationError(uploads.too_many(self.limits.max_files), code="max_files")

    def _check_held(self, file: Chosen) -> None:
        self._check_ending(file.name)
        if file.size > self.limits.max_bytes:
            words = uploads.too_large(file.name, self.limits.max_bytes)
            raise ValidationError(words, code="max_bytes")

    def _check_ending(self, name: str) -> None:
        if ending_of(name) not in self.limits.endings:
            raise ValidationError(self.limits.wrong_ending(name), code="ending")

    def _judge(self, file: Any) -> Chosen:
        super().clean(file)
        self._check_ending(uploads.clean_name(str(file.name)))
        file.seek(0)
        [taken] = uploads.take([file], max_bytes=self.limits.max_bytes)
        found = media_type(taken.name, taken.content)
        if found is None:
            raise ValidationError(
                _("The content of “%(name)s” is not what its name says.") % {"name": taken.name},
                code="content",
            )
        sha256 = storage.digest(taken.content)
        return Chosen(taken.name, len(taken.content), found, sha256, taken.content)

    def hint(self) -> str:
        """Return the limits in a sentence for people."""
        words = ngettext(
            "%(n)d file, up to %(size)s: %(endings)s.",
            "Up to %(n)d files, %(size)s each: %(endings)s.",
            self.limits.max_files,
        )
        return words % {
            "n": self.limits.max_files,
            "size": uploads.size_in_words(self.limits.max_bytes),
            "endings": ", ".join(self.limits.endings),
        }


def _errors_of(check: Callable[[], object]) -> list[ValidationError]:
    try:
        check()
    except ValidationError as error:
        return list(error.error_list)
    return []
