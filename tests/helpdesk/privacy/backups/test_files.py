"""Files come and go through Django's storages, whatever they are."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from helpdesk import storage
from helpdesk.models import Blob
from helpdesk.privacy.backups import files, layout
from helpdesk.privacy.backups.layout import BackupError
from helpdesk.privacy.backups.pool import Pool
from portal.models import CustomDocument

pytestmark = pytest.mark.django_db

MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


@pytest.fixture
def elsewhere(settings):
    """Attachments and documents lie in storages that are no folders."""
    settings.STORAGES = {**settings.STORAGES, "helpdesk": MEMORY, "default": MEMORY}
    assert isinstance(storages["helpdesk"], InMemoryStorage)


def write(folder, pool, *, before=()):
    """Do what a backup does with files; return what was found."""
    blobs = files.take_blobs(pool, [(one.sha256, one.size) for one in Blob.objects.all()])
    column = CustomDocument._meta.get_field("file")
    names = CustomDocument.objects.values_list("file", flat=True)
    others = files.take_files(pool, [(column, one) for one in names], before)
    layout.write_lines(folder / layout.BLOBS, blobs.rows)
    layout.write_lines(folder / layout.FILES, others.rows)
    return blobs, others


@pytest.mark.usefixtures("elsewhere")
def test_an_object_store_is_read_and_filled_again(tmp_path):
    pool, folder = Pool(tmp_path), tmp_path / "one"
    blob = Blob.keep(b"attachment")
    document = CustomDocument(title="Map")
    document.file.save("map.txt", ContentFile(b"map"))
    document.save()
    write(folder, pool)
    storage.delete(blob.sha256)
    document.file.storage.delete(document.file.name)
    other = Blob.keep(b"came later")

    assert files.put_back(folder, pool) == (2, 2)
    assert blob.read() == b"attachment"
    assert document.file.storage.open(document.file.name).read() == b"map"
    assert files.put_back(folder, pool) == (2, 0)
    assert list(files.left_over({blob.sha256})) == [other.sha256]


@pytest.mark.usefixtures("elsewhere")
def test_what_has_not_changed_is_not_fetched_again(tmp_path, monkeypatch):
    pool = Pool(tmp_path)
    for name in ("a.txt", "b.txt"):
        document = CustomDocument(title=name)
        document.file.save(name, ContentFile(b"first"))
        document.save()
    _blobs, first = write(tmp_path / "one", pool)
    document.file.storage.delete(document.file.name)
    document.file.storage.save(document.file.name, ContentFile(b"other"))
    fetched, take = [], Pool.take

    def counted(self, source, name, expected=""):
        fetched.append(name)
        return take(self, source, name, expected)

    monkeypatch.setattr(Pool, "take", counted)
    _blobs, second = write(tmp_path / "two", pool, before=first.rows)
    assert fetched == [document.file.name]
    assert [one["sha256"] for one in second.rows] == [
        storage.digest(b"first"),
        storage.digest(b"other"),
    ]


def test_a_file_whose_bytes_are_not_its_own_counts_as_lost(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    blob = Blob.keep(b"attachment")
    (tmp_path / "media" / "helpdesk" / storage.path_of(blob.sha256)).write_bytes(b"something else")
    blobs, _others = write(tmp_path / "one", Pool(tmp_path))
    assert (blobs.lost, blobs.rows) == ([blob.sha256], [])


def test_files_of_an_app_that_is_missing_stop_the_restoring(tmp_path):
    layout.write_lines(
        tmp_path / layout.FILES,
        [{"column": "shop.Bill.file", "name": "a", "sha256": "0", "size": 1}],
    )
    with pytest.raises(BackupError, match="shop.Bill.file: an app is missing"):
        files.put_back(tmp_path, Pool(tmp_path))
