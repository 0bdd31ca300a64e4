"""A model for the world outside: the tool of OpenSSF Model Signing itself checks what was exported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbmlops.core.errors import ConflictError, DependencyError, InvalidError, UntrustedError
from nbmlops.models.exporting import Bundle
from nbmlops.models.formats import FORMATS, Trust
from nbmlops.store.trust import Keyring
from tests.models.registry import Registry

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression


def checked(bundle: Bundle, public_key: Path | None = None) -> tuple[bool, str]:
    words = bundle.command.split(" ")
    if public_key is not None:
        words[-1] = str(public_key)
    assert words[0] == "model_signing"
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_their_own_tool_checks_a_bundle_and_finds_each_change(
    registry: Registry, good: LogisticRegression, train: pd.DataFrame, tmp_path: Path
) -> None:
    saved = registry.models.save(good, "delay", example=train[["a", "b", "noise"]])
    bundle = registry.models.export("delay", oms=tmp_path / "out")
    assert sorted(path.name for path in bundle.folder.iterdir()) == ["model.json", "model.sig", "model.skops"]
    assert checked(bundle) == (True, "Verification succeeded\n")
    facts = json.loads((bundle.folder / "model.json").read_text())
    assert (facts["name"], facts["version"], facts["digest"]) == ("delay", 1, f"blake3:{saved.digest}")
    file = bundle.folder / "model.skops"
    assert FORMATS["skops"].load(file.read_bytes(), Trust()).coef_.tolist() == good.coef_.tolist()

    stranger = Keyring(tmp_path / "stranger").bundle_keys()[1]
    assert not checked(bundle, stranger)[0]
    (bundle.folder / "more").write_text("")
    assert not checked(bundle)[0]
    (bundle.folder / "more").unlink()
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    assert not checked(bundle)[0]


def test_nothing_is_overwritten_and_nothing_is_left_half_made(
    registry: Registry, good: LogisticRegression, tmp_path: Path
) -> None:
    registry.models.save(good, "delay")
    (tmp_path / "here").mkdir()
    with pytest.raises(ConflictError, match="something at"):
        registry.models.export("delay", oms=tmp_path / "here")
    with pytest.raises(InvalidError, match="no folder"):
        registry.models.export("delay", oms=tmp_path / "nowhere" / "out")
    with pytest.raises(InvalidError, match="in which form") as refused:
        registry.models.export("delay")
    assert "--oms" in str(refused.value.hint)
    with pytest.raises(UntrustedError, match="which you do not trust"):
        registry.as_seen_by(Keyring(tmp_path / "other")).export("delay", oms=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".nbmlops-export-*"))


def test_without_the_extra_the_error_names_it(
    registry: Registry, good: LogisticRegression, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.models.save(good, "delay")
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(DependencyError, match="needs") as refused:
        registry.models.export("delay", oms=tmp_path / "out")
    assert "nbmlops[oms]" in str(refused.value.hint)


def test_the_second_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    private, public = keyring.bundle_keys()
    first = private.read_bytes(), public.read_bytes()
    public.unlink()
    keyring.bundle_keys()
    assert (private.read_bytes(), public.read_bytes()) == first
    private.chmod(0o644)
    with pytest.raises(UntrustedError, match="open to other accounts"):
        keyring.bundle_keys()
    private.chmod(0o600)
    private.write_bytes(b"no key")
    with pytest.raises(UntrustedError, match="not a private key of P-256"):
        keyring.bundle_keys()
