"""Gathers the translatable strings into the catalogues with Babel: no gettext program is needed.

`python bin/messages.py` adds what is new with an empty translation and drops what no source says any more.
An entry with the comment `theirs` replaces a translation of another package (one that says “Du”) and stays.
`python bin/messages.py --check` changes nothing: it lists what is missing and ends with an error if anything is.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
#: Whose strings go into which catalogue: the extension's travel with it, the site's stay with the site.
SOURCES = {"helpdesk": ["helpdesk"], "portal": ["portal", "templates"]}
#: Which arguments of a call are the message: (context), singular, (plural).
CALLS = {
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}
#: Ours instead of Babel's: the same on every machine and day, so that a difference is a changed string.
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Stelze\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""
#: The comment of an entry whose source is another package's.
THEIRS = "theirs"
LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\((({LITERAL})(,\s*{LITERAL})*)", re.DOTALL)

#: context, singular, plural
Key = tuple[str | None, str, str | None]


def main() -> None:
    settings.configure()  # the lexer of templates asks for DEBUG
    check = "--check" in sys.argv[1:]
    faults = []
    for package, folders in SOURCES.items():
        keys = list(gather(folders))
        for path in sorted((ROOT / package).glob("locale/*/LC_MESSAGES/django.po")):
            written = rendered(keys, path)
            name = path.relative_to(ROOT).as_posix()
            if check:
                if path.read_bytes() != written:
                    faults.append(f"{name}: not what the source says, run `make messages`")
            else:
                path.write_bytes(written)
            faults += [f"{name}: not translated: {text!r}" for text in untranslated(path)]
    print(*faults, sep="\n", end="\n" if faults else "")
    sys.exit(1 if check and faults else 0)


def gather(folders: list[str]) -> Iterator[Key]:
    """Yield every message of the folders, in the order of files and lines, some more than once."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".py":
                yield from from_python(path.read_text(encoding="utf-8"))
            elif path.suffix in {".html", ".txt", ".svg"} and "static" not in path.parts:
                yield from from_template(path.read_text(encoding="utf-8"))


def from_python(source: str) -> Iterator[Key]:
    """Find the calls of whatever the module imports from django.utils.translation, under any name."""
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: alias.name.removesuffix("_lazy").removesuffix("_noop")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
    }
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and names.get(node.func.id) in CALLS
    ]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        texts = [node.value if isinstance(node, ast.Constant) else None for node in call.args]
        yield from message(names[call.func.id], texts)


def from_template(source: str) -> Iterator[Key]:
    for call in TEMPLATE_CALL.finditer(templatize(source)):
        texts = list(ast.literal_eval(f"({call[2]},)"))
        yield from message("gettext" if call[1] == "_" else call[1], texts)


def message(function: str, texts: list[str | None]) -> Iterator[Key]:
    """Yield the message of one call; none if it is no constant, then another place has it."""
    context, singular, plural = (
        None if at is None or at >= len(texts) else texts[at] for at in CALLS[function]
    )
    if singular:
        yield context, singular, plural


def rendered(keys: list[Key], path: Path) -> bytes:
    """Write the catalogue anew: the messages of the source with the translations of the file."""
    language = path.parent.parent.name
    with path.open("rb") as file:
        old = read_po(file, locale=language)
    new = Catalog(locale=language)
    for context, singular, plural in keys:
        known = new.get(singular, context)
        if known is None or (plural and not known.pluralizable):
            new.add((singular, plural) if plural else singular, context=context)
    for entry in new:
        before = entry.id and old.get(entry.id, entry.context)
        if before and before.pluralizable == entry.pluralizable:
            entry.string = before.string
            entry.user_comments = before.user_comments
            entry.flags |= before.flags & {"fuzzy"}
    for entry in old:
        if THEIRS in entry.user_comments and new.get(entry.id, entry.context) is None:
            new.add(entry.id, entry.string, context=entry.context, user_comments=[THEIRS])
    body = BytesIO()
    write_po(body, new, width=0, omit_header=True, no_location=True, ignore_obsolete=True)
    header = HEADER.format(language=language, plural_forms=old.plural_forms)
    return header.encode() + body.getvalue().strip() + b"\n"


def untranslated(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for entry in read_po(file):
            if entry.id and (entry.fuzzy or not all(strings(entry))):
                yield entry.id[0] if entry.pluralizable else entry.id


def strings(entry: Message) -> list[str]:
    return list(entry.string) if entry.pluralizable else [entry.string]


if __name__ == "__main__":
    main()
