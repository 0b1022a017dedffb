"""Which files are taken, and what they are called. The one place that decides, for all ways by which files come in.

Mail is never refused: for its files only `is_dangerous` and `clean_name` are asked. Archives are never unpacked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import conf, scanner, storage

#: The longest name, in characters; the ending is kept.
LONGEST_NAME = 200
#: What is not taken unless the site says otherwise (`UPLOAD_REFUSED`): what runs when somebody opens it.
REFUSED = frozenset(
    {
        *("application/x-msdownload", "application/x-dosexec", "application/x-executable"),
        *("application/x-mach-binary", "application/java-archive", "application/x-shockwave-flash"),
        *("text/html", "text/x-script"),
        *(".exe", ".com", ".scr", ".pif", ".msi", ".msp", ".dll", ".cpl", ".jar", ".apk", ".app"),
        *(".bat", ".cmd", ".ps1", ".psm1", ".vbs", ".vbe", ".js", ".jse", ".mjs", ".wsf", ".wsh"),
        *(".hta", ".lnk", ".reg", ".url", ".scf", ".html", ".htm", ".xhtml", ".shtml", ".mht"),
    }
)
_SEPARATORS = re.compile(r"[/\\]")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)  # fmt: skip
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('<>:"|?*', "_"))


@dataclass(frozen=True)
class Taken:
    """A file that was let in: its clean name, its bytes, and what these are."""

    name: str
    content: bytes
    content_type: str


def take(
    files: Sequence[Any], *, max_files: int | None = None, max_bytes: int | None = None
) -> list[Taken]:
    """Return the files of one input (Django's uploaded files), read and found good.

    Raises `ValidationError` with a sentence for each that is not. `max_files` and `max_bytes` (each) may narrow the
    site's limits. A file that the virus scanner cannot look at now is taken: the worker looks at it later.
    """
    most = min(max_files or 10**9, int(conf.get("UPLOAD_MAX_FILES")))
    if len(files) > most:
        raise ValidationError(too_many(most), code="max_files")
    check_total(sum(file.size or 0 for file in files))
    taken, problems = [], []
    for file in files:
        try:
            taken.append(_take(file, min(max_bytes or 10**12, int(conf.get("UPLOAD_MAX_BYTES")))))
        except ValidationError as error:
            problems.extend(error.error_list)
    if problems:
        raise ValidationError(problems)
    return taken


def too_many(most: int) -> str:
    """Return the sentence on more files than `most`."""
    words = ngettext("At most %(n)d file is possible.", "At most %(n)d files are possible.", most)
    return words % {"n": most}


def too_large(name: str, largest: int) -> str:
    """Return the sentence on a file of more than `largest` bytes."""
    words = _("“%(name)s” is too large: at most %(size)s are possible.")
    return words % {"name": name, "size": size_in_words(largest)}


def size_in_words(size: int) -> str:
    """Return `size` bytes for people: 10 MB, 2.5 MB; whole numbers without a decimal."""
    return re.sub(r"[.,]0(?=\D|$)", "", filesizeformat(size))


def check_total(size: int) -> None:
    """Raise `ValidationError` if files of `size` bytes together are too much for one message."""
    largest = int(conf.get("UPLOAD_MAX_TOTAL"))
    if size > largest:
        words = _("The files are too large together: at most %(size)s are possible.")
        raise ValidationError(words % {"size": size_in_words(largest)}, code="max_total")


def _take(file: Any, largest: int) -> Taken:
    name = clean_name(str(file.name or ""))
    if (file.size or 0) > largest:
        raise ValidationError(too_large(name, largest), code="max_bytes")
    content = file.read()
    kind = storage.content_type_of(content)
    if is_dangerous(name, kind):
        words = _("“%(name)s” is a program or a web page. Such files are not taken here.")
        raise ValidationError(words % {"name": name}, code="refused")
    check_clean(name, content)
    return Taken(name, content, kind)


def check_clean(name: str, content: bytes) -> None:
    """Raise `ValidationError` if the virus scanner finds something; nothing happens if it cannot be asked now."""
    if not scanner.is_on():
        return
    verdict = scanner.scan_at_once(content)
    if verdict is not None and verdict.finding:
        raise ValidationError(infected(name), code="infected")


def infected(name: str) -> str:
    """Return the sentence on a file in which the virus scanner found something."""
    words = _("A virus was found in “%(name)s”. The file was not taken; please check your computer.")  # fmt: skip
    return words % {"name": name}


def is_dangerous(name: str, content_type: str) -> bool:
    """Tell whether a file is of a kind that the site does not take (`UPLOAD_REFUSED`)."""
    named = conf.get("UPLOAD_REFUSED")
    refused = REFUSED if named is None else {str(one).lower() for one in named}
    plain = content_type.partition(";")[0].strip().lower()
    ending = name.rstrip(". ").rpartition(".")
    return plain in refused or bool(ending[0] and f".{ending[2].lower()}" in refused)


def clean_name(name: str) -> str:
    """Return a file's name as it may be kept and offered: no path, no control or direction characters, no device.

    Never empty, at most `LONGEST_NAME` characters, the ending kept.
    """
    text = unicodedata.normalize("NFC", _SEPARATORS.split(name)[-1])
    kept = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))  # fmt: skip
    kept = " ".join(kept.translate(_NOT_IN_NAMES).split()).strip(". ") or ""
    if _RESERVED.fullmatch(kept):
        kept = f"_{kept}"
    if len(kept) > LONGEST_NAME:
        stem, dot, ending = kept.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 20 else ""
        kept = kept[: LONGEST_NAME - len(ending)] + ending
    return kept or _("file")
