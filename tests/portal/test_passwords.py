"""Passwords: how they are kept, and which are refused, without asking anybody."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.contrib.auth.hashers import get_hashers, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from portal import checks, passwords
from portal.settings import base
from tests import factories as f

WORDS = [f"breached pass phrase {number}" for number in range(500)]


def digest(word: str) -> str:
    return hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture
def breached(tmp_path, settings) -> Path:
    lines = sorted(f"{digest(word)}:{number}" for number, word in enumerate(WORDS))
    path = tmp_path / "breached.txt"
    path.write_text("\r\n".join(lines) + "\r\n", newline="")
    settings.BREACHED_PASSWORDS = str(path)
    return path


def problems(password: str) -> set[str]:
    try:
        validate_password(password)
    except ValidationError as error:
        return {one.code for one in error.error_list}
    return set()


def test_every_password_of_the_list_is_found_and_no_other(breached):
    path = str(breached)
    assert [word for word in WORDS if not passwords.is_breached(word, path)] == []
    assert not any(passwords.is_breached(f"good pass phrase {n}", path) for n in range(500))


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_short_lists_and_lists_without_a_last_line_end(tmp_path, count, end):
    path = tmp_path / "short.txt"
    path.write_text("\n".join(sorted(f"{digest(word)}:1" for word in WORDS[:count])) + end)
    assert all(passwords.is_breached(word, str(path)) for word in WORDS[:count])
    assert not passwords.is_breached("another one", str(path))


def test_the_list_is_never_read_whole(breached, monkeypatch):
    reads = []
    line_from = passwords._line_from

    def counted(file, position):
        reads.append(position)
        return line_from(file, position)

    monkeypatch.setattr(passwords, "_line_from", counted)
    passwords.is_breached("good pass phrase", str(breached))
    assert 0 < len(reads) < 20  # the size is 2 ** 15 bytes


def test_a_breached_password_is_refused(breached):
    assert problems(WORDS[7]) == {"password_breached"}
    assert problems("violet herring on a bicycle") == set()


def test_length_counts_and_composition_does_not():
    assert "password_too_short" in problems("Xy7!xyQ2?ab")
    assert problems("violet herring on a bicycle") == set()
    assert problems("793519047264") == set()
    assert "password_too_common" in problems("password1234")


def test_a_list_that_went_away_keeps_nobody_from_changing_a_password(settings, tmp_path):
    settings.BREACHED_PASSWORDS = str(tmp_path / "gone.txt")
    assert problems("violet herring on a bicycle") == set()


def told(path: str, settings) -> set[str]:
    settings.BREACHED_PASSWORDS = path
    return {one.id for one in checks.check_breached_passwords()}


def test_the_check_at_start_tells_of_a_list_that_is_missing_or_unsorted(
    breached, settings, tmp_path
):
    assert told("", settings) == set()
    assert told(str(breached), settings) == set()
    assert told(str(tmp_path / "gone.txt"), settings) == {"portal.W020"}
    lines = breached.read_bytes().splitlines(keepends=True)
    breached.write_bytes(b"".join(reversed(lines)))
    assert told(str(breached), settings) == {"portal.W020"}
    breached.write_text("Dear reader\n" * 100)
    assert told(str(breached), settings) == {"portal.W020"}
    breached.write_text("")
    assert told(str(breached), settings) == {"portal.W020"}


@pytest.mark.django_db
def test_argon2_comes_first_and_older_ones_are_kept_anew_at_log_in(client, settings):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    get_hashers.cache_clear()
    user = f.UserFactory(username="ada")
    user.password = make_password("secret", hasher="pbkdf2_sha256")
    user.save()
    client.post("/accounts/login/", {"login": "ada", "password": "secret"})
    user.refresh_from_db()
    assert "_auth_user_id" in client.session
    assert user.password.startswith("argon2$argon2id$")
