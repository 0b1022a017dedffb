from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from helpdesk import storage

pytestmark = pytest.mark.pure

CONTENT = b"bytes" * 100_000


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path / "helpdesk"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_content_is_stored_once_under_its_digest_and_never_below_the_web_root(folder):
    sha256 = storage.put(CONTENT)
    written = files(folder)[0].stat().st_mtime_ns
    assert storage.put(CONTENT) == sha256 == storage.digest(CONTENT)
    assert files(folder) == [folder / sha256[:2] / sha256[2:4] / sha256]
    assert files(folder)[0].stat().st_mtime_ns == written
    assert storage.read(sha256) == CONTENT
    with pytest.raises(ValueError):
        storage.blob_storage().url(storage.path_of(sha256))


def test_deleting_twice_is_no_error(folder):
    sha256 = storage.put(CONTENT)
    storage.delete(sha256)
    storage.delete(sha256)
    assert files(folder) == []
    with pytest.raises(FileNotFoundError):
        storage.read(sha256)


def test_a_site_may_keep_its_files_elsewhere(tmp_path, settings):
    place = tmp_path / "elsewhere"
    settings.STORAGES = {
        **settings.STORAGES,
        "helpdesk": {
            "BACKEND": "helpdesk.storage.BlobStorage",
            "OPTIONS": {"location": str(place)},
        },
    }
    sha256 = storage.put(CONTENT)
    assert storages["helpdesk"].exists(storage.path_of(sha256))
    assert len(files(place)) == 1


class Torn(ContentFile):
    """A file whose disk fills up half way."""

    def chunks(self, chunk_size=None):
        yield b"half"
        raise OSError(28, "No space left on device")


def test_a_write_that_fails_leaves_nothing(folder):
    with pytest.raises(OSError, match="No space"):
        storage.blob_storage().save("aa/bb/torn", Torn(b""))
    assert files(folder) == []


def test_a_process_killed_while_writing_leaves_no_torn_file(folder):
    code = textwrap.dedent(
        """
        import os, signal, sys
        from django.conf import settings
        settings.configure(MEDIA_ROOT=sys.argv[1])
        from django.core.files.base import ContentFile
        from helpdesk import storage

        class Killed(ContentFile):
            def chunks(self, chunk_size=None):
                yield b"half"
                os.kill(os.getpid(), signal.SIGKILL)

        storage.BlobStorage(location=sys.argv[1]).save(sys.argv[2], Killed(b""))
        """
    )
    name = storage.path_of(storage.digest(CONTENT))
    died = subprocess.run([sys.executable, "-c", code, str(folder), name], check=False)
    assert died.returncode == -signal.SIGKILL
    assert not storage.blob_storage().exists(name)
    storage.put(CONTENT)
    assert storage.read(storage.digest(CONTENT)) == CONTENT


def test_files_are_the_processs_own(folder):
    storage.put(CONTENT)
    assert files(folder)[0].stat().st_mode & 0o077 == 0


# --- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "pass word", "pÄss €", "x" * 5000])
def test_a_secret_comes_back(secret):
    token = storage.encrypt(secret)
    assert storage.decrypt(token) == secret
    assert (secret in token) == (secret == "")


def test_a_secret_never_looks_the_same_twice():
    assert storage.encrypt("pass word") != storage.encrypt("pass word")


def test_a_secret_survives_a_change_of_key_while_the_old_one_is_named(settings):
    token = storage.encrypt("pass word")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert storage.decrypt(token) == "pass word"
    renewed = storage.encrypt(storage.decrypt(token))
    settings.SECRET_KEY_FALLBACKS = []
    assert storage.decrypt(renewed) == "pass word"
    with pytest.raises(storage.SecretLost):
        storage.decrypt(token)


@pytest.mark.parametrize("token", ["nonsense", "gAAAAA", "é", " "])
def test_what_was_never_a_secret_is_told_as_lost(token):
    with pytest.raises(storage.SecretLost):
        storage.decrypt(token)
