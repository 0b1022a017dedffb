"""Where files lie: a Django storage of their own, never below the web root.

Set `STORAGES["helpdesk"]` to keep attachments and raw mail elsewhere (S3, …); without it they lie in
`MEDIA_ROOT/helpdesk`. Names are content addresses: the SHA-256 of the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import filetype
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, storages

from . import conf


class BlobStorage(FileSystemStorage):
    """Local files that are either whole or not there: written aside, flushed to disk, renamed."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # equal names mean equal bytes

    def url(self, name: str | None) -> str:
        # without an address of its own, Django's storage would answer with one below MEDIA_URL
        raise ValueError("These files are served by views that ask who may read them.")

    def _save(self, name: str, content: File) -> str:
        self.save_all({name: content})
        return name

    def save_all(self, contents: Mapping[str, File]) -> None:
        """Store several files: all are written, then all flushed, which costs hardly more than for one."""
        written: list[tuple[int, Path, Path]] = []
        try:
            for name, content in contents.items():
                target = Path(self.path(name))
                target.parent.mkdir(parents=True, exist_ok=True)
                handle, path = tempfile.mkstemp(dir=target.parent)
                written.append((handle, Path(path), target))
                with os.fdopen(handle, "wb", closefd=False) as file:
                    for chunk in content.chunks():
                        file.write(chunk)
            for handle, aside, target in written:
                os.fsync(handle)
                aside.replace(target)
        except BaseException:
            for _handle, aside, _target in written:
                aside.unlink(missing_ok=True)
            raise
        finally:
            for handle, _aside, _target in written:
                os.close(handle)
        for folder in {target.parent for _handle, _aside, target in written}:
            _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a power cut: a mail may be deleted elsewhere right after."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def blob_storage() -> Storage:
    """Return the storage of attachments and raw mail."""
    try:
        return storages["helpdesk"]
    except InvalidStorageError:
        return BlobStorage(location=Path(settings.MEDIA_ROOT) / "helpdesk", base_url=None)


def path_of(sha256: str) -> str:
    """Return the name under which the bytes with this digest (hex) are stored."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def digest(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()


def put(content: bytes) -> str:
    """Store `content` unless it is there already, and return its digest.

    The bytes are in the storage before this returns, so a row that names them can be committed.
    """
    return put_all([content])[0]


def put_all(contents: Iterable[bytes]) -> list[str]:
    """Store several contents as `put` does, and return their digests in order."""
    digests: list[str] = []
    missing: dict[str, bytes] = {}
    storage = blob_storage()
    for content in contents:
        sha256 = digest(content)
        digests.append(sha256)
        name = path_of(sha256)
        if name not in missing and not storage.exists(name):
            missing[name] = content
    if isinstance(storage, BlobStorage):
        storage.save_all({name: ContentFile(content) for name, content in missing.items()})
    else:
        for name, content in missing.items():
            storage.save(name, ContentFile(content))
    return digests


def put_file(content: File) -> str:
    """Store the bytes of an open file as `put` does, however many there are, and return their digest."""
    sha = hashlib.sha256()
    for chunk in content.chunks():
        sha.update(chunk)
    sha256, storage = sha.hexdigest(), blob_storage()
    if not storage.exists(path_of(sha256)):
        content.seek(0)
        storage.save(path_of(sha256), content)
    return sha256


def open_file(sha256: str) -> File:
    """Return the stored bytes as an open file. Raises `FileNotFoundError` if they are gone."""
    return blob_storage().open(path_of(sha256), "rb")


def read(sha256: str) -> bytes:
    """Return the stored bytes. Raises `FileNotFoundError` if they are gone."""
    with blob_storage().open(path_of(sha256), "rb") as file:
        return file.read()


def delete(sha256: str) -> None:
    """Remove the stored bytes; nothing happens if they are gone already."""
    blob_storage().delete(path_of(sha256))


def delete_all(digests: Iterable[str]) -> None:
    """Remove several; what is gone already is no fault."""
    for sha256 in digests:
        delete(sha256)


def content_type_of(content: bytes) -> str:
    """Return the media type that the bytes themselves tell; a name may say anything."""
    known = filetype.guess_mime(content[:8192])
    if known:
        return str(known)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "application/octet-stream" if "\0" in text else _kind_of_text(text)


#: What a text begins with that a browser or a shell would run: checked after space, comments and declarations.
_MARKUP = re.compile(
    r"\A\ufeff?(?:\s+|<\?.{0,500}?\?>|<!--.{0,4000}?-->|<!doctype[^>\[]{0,300}(?:\[.{0,4000}?\]\s*)?>)*"
    r"<(?:\w+:)?(html|head|body|script|iframe|svg|xhtml)\b",
    re.IGNORECASE | re.DOTALL,
)
_IS_HTML = re.compile(r"\A\ufeff?\s*<!doctype\s+html", re.IGNORECASE)


def _kind_of_text(text: str) -> str:
    start = text[:10_000]
    if start.startswith("#!"):
        return "text/x-script"
    if _IS_HTML.match(start):
        return "text/html"
    found = _MARKUP.match(start)
    if found is None:
        return "text/plain"
    return "image/svg+xml" if found[1].lower() == "svg" else "text/html"


def _keys() -> list[Fernet]:
    """Return the keys, the one to encrypt with first; those made from SECRET_KEY read what is older."""
    own = [f"helpdesk.encryption:{key}" for key in conf.get("ENCRYPTION_KEYS")]
    old = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    words = [*own, *(f"helpdesk.secret:{key}" for key in old)]
    digests = (hashlib.sha256(one.encode()).digest() for one in words)
    return [Fernet(base64.urlsafe_b64encode(one)) for one in digests]


def encrypt(secret: str) -> str:
    """Return `secret` encrypted with the first of `ENCRYPTION_KEYS` (else a key made from `SECRET_KEY`); '' stays ''."""
    return _keys()[0].encrypt(secret.encode()).decode() if secret else ""


def decrypt(token: str) -> str:
    """Return the secret again, also with an older key (`ENCRYPTION_KEYS`, `SECRET_KEY_FALLBACKS`).

    Raises `SecretLost` if none of the keys fits.
    """
    if not token:
        return ""
    try:
        return MultiFernet(_keys()).decrypt(token.encode()).decode()
    except InvalidToken:
        raise SecretLost from None


def is_current(token: str) -> bool:
    """Tell whether a token was made with the key that encrypts now (or is '')."""
    try:
        return not token or bool(_keys()[0].decrypt(token.encode()))
    except InvalidToken:
        return False


def renew(token: str) -> str:
    """Return a token encrypted with the key that encrypts now, the same one if it is. Raises `SecretLost`."""
    return token if is_current(token) else encrypt(decrypt(token))


class SecretLost(ValueError):
    """A stored secret was encrypted with a key that is gone; it must be entered anew."""
