"""When an environment is made anew, gone on with, or left alone; and what is said when it fails."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.pure

SCRIPT = Path(__file__).resolve().parent.parent.parent / "bin" / "install.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, looking at a folder of its own with a finished environment in it."""
    spec = importlib.util.spec_from_file_location("install_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    places = {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "PYTHON": tmp_path / ".venv" / "bin" / "python",
        "LOCK": tmp_path / "test.txt",
        "STAMP": tmp_path / ".venv" / "stamp",
        "LOG": tmp_path / "var" / "install.log",
    }
    for name, path in places.items():
        monkeypatch.setattr(module, name, path)
    module.PYTHON.parent.mkdir(parents=True)
    module.PYTHON.symlink_to(sys.executable)
    module.LOCK.write_text("one==1")
    module.LOG.parent.mkdir()
    module.STAMP.write_text(module.fingerprint())
    return module


def test_a_finished_environment_is_left_alone(script: ModuleType):
    assert script.is_current()


def test_an_interrupted_one_is_made_anew(script: ModuleType):
    script.STAMP.unlink()
    assert not script.is_current()
    assert not script.is_whole()


def test_a_new_lock_goes_on_with_the_old_environment(script: ModuleType):
    script.LOCK.write_text("one==2")
    assert not script.is_current()
    assert script.is_whole()


def test_one_whose_folder_was_moved_is_made_anew(script: ModuleType, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(script, "ROOT", tmp_path / "elsewhere")
    assert not script.is_current()
    assert not script.is_whole()


def test_one_whose_python_is_gone_is_made_anew(script: ModuleType):
    script.PYTHON.unlink()
    script.PYTHON.symlink_to("/nowhere/python3")
    assert not script.is_current()
    assert not script.is_whole()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full: make room, then run"),
        ("Temporary failure in name resolution", "There is no network: connect it, then run"),
        ("something else", "It failed, then run the command again."),
    ],
)
def test_a_failure_ends_in_one_sentence_that_says_what_to_do(script: ModuleType, words, sentence):
    with pytest.raises(SystemExit) as ended:
        script.run([sys.executable, "-c", f"raise SystemExit({words!r})"], "It failed")
    assert str(ended.value).strip().startswith(sentence)


def test_an_old_python_is_told_what_is_needed(script: ModuleType, monkeypatch):
    monkeypatch.setattr(script.sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit, match=r"Python 3\.10 is too old: install Python 3\.11 or newer"):
        script.main()
