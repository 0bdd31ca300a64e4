"""A certificate tells what an erasure did, without the values, and nobody changes a word of it unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.commands.answer import answer
from nbmlops.core.errors import ConflictError, CorruptError, InvalidError, NotFoundError, RefusedError, UntrustedError
from nbmlops.render.dispatch import text
from nbmlops.store import certificate_files, certificates, erasures
from nbmlops.store.trust import Keyring
from nbmlops.workspace import Workspace
from tests.commands.fakes import in_a_shell

TAIL = "N14228"
FORMS = ("json", "html", "md")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        made.data.save(pd.DataFrame({"tail": [TAIL, "N1", TAIL], "delay": [1.0, 2.0, 3.0]}), "flights")
        yield made


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text(f"tail = '{TAIL}'")
    return path


def test_a_certificate_says_what_was_erased_and_no_value(workspace: Workspace, condition: Path, tmp_path: Path) -> None:
    before = workspace.data.show("flights").digest
    with workspace.run("gbm") as run:
        run.param({"tail": TAIL})
    (workspace.marker.root / "notes.md").write_text(f"about {TAIL} <b>")
    target = tmp_path / "certificate.json"
    done = workspace.data.erase("flights", where_file=condition, yes=True, certificate=target)
    made = workspace.store.verify_certificate(target)
    assert (made.erasure, made.names, made.state, made.rows) == (done.id, ("flights",), "done", 2)
    assert made.versions == (("flights@v1", before, workspace.data.show("flights").digest, 2, 1),)
    assert made.records == {"param": 1}
    assert made.workspace == workspace.marker.id
    event = next(event for event in workspace.audit.events() if event.action == "data.erase")
    assert (made.event, made.event_digest, made.by) == (event.sequence, event.digest, event.actor)
    assert any("notes.md" in what for what in made.not_reached)
    assert any("backups" in what for what in made.not_reached)
    for form in FORMS:
        path = tmp_path / f"again.{form}"
        assert workspace.store.certificate(to=path).versions == made.versions
        assert TAIL not in path.read_text()
        assert workspace.store.verify_certificate(path).erasure == done.id
    assert "notes.md" in (tmp_path / "again.html").read_text()
    assert "flights@v1" in (tmp_path / "again.md").read_text()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_member_that_is_changed_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("certificate")
    keyring, path = keyring_in(folder), folder / "certificate.json"
    said = data.draw(SAID)
    made = certificates.certificate_of({**said, "key": keyring.public_key(), "signature": ""})
    signed = certificates.signed(made, keyring)
    certificate_files.write(signed, path, lambda *_: "")
    assert certificate_files.read(path, keyring) == signed
    document = json.loads(path.read_text())
    member = data.draw(st.sampled_from(sorted(set(document) - {"format"})))
    other = data.draw(SAID.map(lambda one: {**one, "key": "0" * 16, "signature": "00" * 64}[member]))
    if other == document[member]:
        return
    path.write_text(json.dumps({**document, member: other}))
    with pytest.raises((CorruptError, UntrustedError)):
        certificate_files.read(path, keyring)


def keyring_in(folder: Path) -> Keyring:
    return Keyring(folder / "config")


_WORDS = st.text('ab<>"\\`\n', max_size=8)
_DIGESTS = st.sampled_from(["a" * 64, "b" * 64])
_AT = st.datetimes().map(lambda at: at.isoformat() + "+00:00")
SAID = st.fixed_dictionaries(
    {
        "format": st.just(1),
        **dict.fromkeys(("erasure", "workspace", "by", "state", "issued_by"), _WORDS),
        **dict.fromkeys(("names", "remotes", "not_reached"), st.lists(_WORDS, max_size=3)),
        "at": _AT,
        "issued_at": _AT,
        "versions": st.lists(
            st.fixed_dictionaries(
                {"ref": _WORDS, "before": _DIGESTS, "after": _DIGESTS, "rows": st.integers(0, 9), "left": st.just(1)}
            ),
            max_size=2,
        ),
        "records": st.dictionaries(_WORDS, st.integers(0, 9), max_size=2),
        "event": st.integers(1, 99),
        "event_digest": _DIGESTS,
    }
)


@settings(max_examples=60, deadline=None)
@given(SAID, st.sampled_from(["html", "md"]))
def test_a_page_gives_back_what_it_holds(
    tmp_path_factory: pytest.TempPathFactory, said: dict[str, object], form: str
) -> None:
    from nbmlops.render.certificate_views import certificate_page

    folder = tmp_path_factory.mktemp("certificate")
    keyring, path = keyring_in(folder), folder / f"certificate.{form}"
    made = certificates.signed(certificates.certificate_of({**said, "key": "", "signature": ""}), keyring)
    certificate_files.write(made, path, certificate_page)
    assert certificate_files.read(path, keyring) == made
    if form == "html":
        assert len(re.findall("</script>", path.read_text())) == 1


def test_who_does_not_trust_the_key_is_told(workspace: Workspace, condition: Path, tmp_path: Path) -> None:
    target = tmp_path / "certificate.html"
    workspace.data.erase("flights", where_file=condition, yes=True, certificate=target)
    auditor = Keyring(tmp_path / "auditor")
    with pytest.raises(UntrustedError, match="which you do not trust"):
        certificate_files.read(target, auditor)
    auditor.trust_key(workspace.keyring.public_key())
    assert certificate_files.read(target, auditor).rows == 2


def test_what_cannot_be_certified_is_refused_before_anything_is_erased(
    workspace: Workspace, condition: Path, tmp_path: Path
) -> None:
    for wrong, error in (("there.json", ConflictError), ("certificate.pdf", InvalidError), ("no/c.md", NotFoundError)):
        (tmp_path / "there.json").write_text("")
        with pytest.raises(error):
            workspace.data.erase("flights", where_file=condition, yes=True, certificate=tmp_path / wrong)
    with pytest.raises(InvalidError, match="dry run"):
        workspace.data.erase("flights", where_file=condition, dry_run=True, certificate=tmp_path / "c.md")
    assert len(workspace.data.load("flights")) == 3
    with pytest.raises(NotFoundError, match="no erasure was carried out here"):
        workspace.store.certificate()


def test_an_erasure_that_has_only_begun_has_no_certificate(workspace: Workspace) -> None:
    erasures.begin(workspace.catalog, workspace.clock, ("flights",), f"tail = '{TAIL}'")
    with pytest.raises(RefusedError, match="has erased nothing yet"):
        workspace.store.certificate()


def test_a_remote_that_waits_is_told_as_not_reached(workspace: Workspace, condition: Path, tmp_path: Path) -> None:
    workspace.remote.add("origin", str(tmp_path / "remote"))
    workspace.data.push("flights")
    (tmp_path / "remote").rename(tmp_path / "away")
    workspace.data.erase("flights", where_file=condition, yes=True)
    made = workspace.store.certificate()
    assert (made.state, made.remotes) == ("pending", ())
    assert any(what.startswith("the remote origin: ") for what in made.not_reached)
    (tmp_path / "away").rename(tmp_path / "remote")
    workspace.data.erase(resume=True, certificate=tmp_path / "certificate.md")
    made = workspace.store.certificate()
    assert (made.state, made.remotes) == ("done", ("origin",))
    assert not any(what.startswith("the remote") for what in made.not_reached)


def test_tables_that_were_made_from_erased_ones_are_followed(workspace: Workspace, condition: Path) -> None:
    workspace.data.save(pd.DataFrame({"tail": ["N1"]}), "other")
    with workspace.run("features"):
        workspace.data.save(workspace.data.load("flights").assign(double=2.0), "feature.doubled")
    with workspace.run("again"):
        workspace.data.save(workspace.data.load("feature.doubled").assign(third=3.0), "feature.third")
    done = workspace.data.erase("flights", where_file=condition, yes=True, derived=True)
    assert sorted(done.names) == ["feature.doubled", "feature.third", "flights"]
    for name in done.names:
        assert set(workspace.data.load(name)["tail"]) == {"N1"}


def test_a_certificate_is_made_and_verified_in_a_shell(workspace: Workspace, condition: Path, tmp_path: Path) -> None:
    shell = in_a_shell(workspace)
    target = str(tmp_path / "certificate.html")
    answer(["data", "erase", "flights", "--where-file", str(condition), "--yes", "--certificate", target], shell)
    shown = text(answer(["store", "certificate", "--verify", target], shell).result)
    assert "certificate of erasure" in shown
    assert "2 rows of 1 version" in shown
    with pytest.raises(InvalidError, match="verified by itself"):
        answer(["store", "certificate", "abc", "--verify", target], shell)
