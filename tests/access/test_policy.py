"""Policies: read strictly, adopted on record, and what counts is what was adopted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, RefusedError
from nbmlops.core.permissions import PERMISSIONS, ROLES
from nbmlops.render.dispatch import text
from nbmlops.store import schema
from nbmlops.store.access.policy import parse_policy
from nbmlops.workspace import Workspace

FIRST = '[roles]\nann = "admin"\nben = "viewer"\n'


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    with Workspace.init(tmp_path) as workspace:
        yield workspace


def adopt(workspace: Workspace, content: str = FIRST) -> None:
    path = workspace.marker.root / "nbmlops-policy.toml"
    path.write_text(content)
    workspace.store.policy(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[role]\nann = "admin"', "unknown key 'role'"),
        ('roles = "admin"', "roles must be a table"),
        ('[roles]\nann = "admn"', "gives ann the role 'admn'"),
        ('[roles]\nann = ["admin", "-admin"]', "admin is both granted to ann and denied"),
        ("[roles]\nann = []", "must be a role or a list"),
        ("[roles]\nann = 3", "must be a role or a list"),
        ('[roles]\n" ann" = "admin"', "is no name of a user"),
        ('[roles]\nann = "admin"\n"@ml" = "viewer"', "there is no group 'ml'"),
        ('[groups]\nml = "ann"\n[roles]\nann = "admin"', "must be a list of users"),
        (
            '[groups]\na = ["ben"]\nb = ["ben"]\n[roles]\nann = "admin"\n"@a" = "viewer"\n"@b" = "-viewer"',
            "@a grants viewer to ben, and @b denies it",
        ),
        ('[roles]\nann = "viewer"', "leaves nobody who is admin"),
        ('[groups]\na = []\n[roles]\n"@a" = "admin"', "leaves nobody who is admin"),
        ("", "leaves nobody who is admin"),
        ('[roles]\nann = "admin"\n[default]\nrole = "boss"', "is no role: 'boss'"),
        ('[roles]\nann = "admin"\n[default]\nrole = "admin"', "makes everybody admin"),
        ('[roles]\nann = "admin"\n[default]\nroles = "viewer"', "unknown key 'roles'"),
        ('[roles]\nann = "admin"\n[rules]\n"modell/delay@production" = {}', "unknown noun 'modell'"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay" = {}', "names no alias"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay@production" = 1', "must be a table"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay@v3" = {}', "looks like a version number"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay@production" = {approvers = 0}', "approvers = 0"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay@production" = {other_than = "me"}', "other_than = 'me'"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay@production" = {approver = 1}', "unknown key 'approver'"),
        ('[roles]\nann = "admin"\n[rules]\n"model/delay@production" = {approvers = 2}', "needs 2 approvers"),
        ('[roles]\nann = "admin"\nann = "viewer"', "does not parse"),
        ("[roles", "does not parse"),
    ],
)
def test_what_is_wrong_in_a_policy_is_refused_with_what_to_type(content: str, message: str) -> None:
    with pytest.raises(InvalidError, match=message) as error:
        parse_policy(content.encode())
    assert error.value.hint


def test_a_policy_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidError, match="not UTF-8: byte 10"):
        parse_policy('[roles]\n"\xe4nn" = "admin"'.encode("latin-1").replace(b'"\xe4', b' "\xe4', 1))


def test_groups_give_roles_and_a_persons_own_line_has_the_last_word() -> None:
    policy = parse_policy(
        b'[groups]\nml = ["ben", "eve"]\n[roles]\nann = "admin"\n"@ml" = "scientist"\n'
        b'eve = ["approver", "-scientist"]\n[default]\nrole = "viewer"'
    )
    assert [policy.roles_of(who) for who in ("ann", "ben", "eve", "zoe")] == [
        *(("admin",), ("scientist",), ("approver",), ("viewer",))
    ]
    assert policy.who_may("approve") == ("ann", "eve")


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from(sorted(ROLES)), min_size=1), min_size=1))
def test_a_user_may_what_any_of_their_roles_gives(roles: dict[str, set[str]]) -> None:
    lines = [f"{user} = {sorted(given)}".replace("'", '"') for user, given in roles.items()]
    policy = parse_policy("\n".join(["[roles]", 'zed = "admin"', *lines]).encode())
    for user, own in roles.items():
        for permission in PERMISSIONS:
            assert policy.allows(user, permission) == any(permission in ROLES[role] for role in own)
    assert not policy.allows("nobody", "read")


def test_without_a_policy_everybody_may_everything_and_nothing_stands_in_between(opened: Workspace) -> None:
    from nbmlops.store.service import Store

    assert type(opened.store) is Store
    assert opened.store.policy().number is None
    assert opened.status().access is None
    assert "everybody may do everything" in text(opened.doctor())


def test_the_first_policy_does_not_lock_out_who_adopts_it(opened: Workspace) -> None:
    with pytest.raises(InvalidError, match="locks you out: ann is no admin by it"):
        adopt(opened, '[roles]\nanne = "admin"\n')
    assert opened.store.policy().number is None


def test_what_counts_is_what_was_adopted_and_not_the_edited_file(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(opened)
    path = opened.marker.root / "nbmlops-policy.toml"
    path.write_text(FIRST.replace("viewer", "admin"))
    assert opened.store.policy().file == "edited"
    assert "not adopted and has no effect" in text(opened.status())
    assert "has no effect" in text(opened.doctor())
    monkeypatch.setenv("NBMLOPS_USER", "ben")
    for asked in (opened.store.gc, lambda: opened.store.policy(path)):
        with pytest.raises(RefusedError, match="ben may not"):
            asked()
    path.unlink()
    assert opened.store.policy().file == "missing"
    with pytest.raises(RefusedError, match="ben may not `store gc`"):
        opened.store.gc()


def test_adoptions_are_counted_and_on_record(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    adopt(opened)
    adopt(opened)  # the same again is none
    adopt(opened, FIRST + 'eve = "admin"\n')
    found = opened.store.policy()
    assert (found.number, found.by, found.file, found.roles) == (2, "ann", "adopted", ("admin",))
    assert "data save" in found.verbs["scientist"]
    second, first = (event for event in opened.audit.events() if event.action == "access.policy")
    assert (second.detail["digest"], second.detail["was"]) == (found.digest, first.detail["digest"])
    assert "access policy 2" in text(found, detail=True)
    with Workspace.open(opened.marker.root) as other:  # another process, at once
        monkeypatch.setenv("NBMLOPS_USER", "eve")
        assert other.store.policy().roles == ("admin",)


def test_a_policy_changed_past_the_verbs_is_found(opened: Workspace) -> None:
    adopt(opened)
    opened.catalog.transact(lambda c: c.execute(schema.access_policy.update().values(content=FIRST + "\n")))
    assert "its digest is another" in text(opened.doctor())
    with pytest.raises(CorruptError, match="not what was adopted"), Workspace.open(opened.marker.root) as other:
        other.data.list()
    opened.catalog.transact(lambda c: c.execute(schema.access_policy.delete()))
    assert "not the one that the audit trail says" in text(opened.doctor())


def test_a_file_that_cannot_be_read_is_told(opened: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no policy"):
        opened.store.policy(tmp_path / "none.toml")
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (2 << 20))
    with pytest.raises(InvalidError, match="too large"):
        opened.store.policy(large)


def test_broken_glass_allows_everything_for_an_hour_and_each_use_is_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, timedelta

    monkeypatch.setenv("NBMLOPS_USER", "ann")
    at = tmp_path / "clock"
    at.write_text(f"2026-11-23T09:00:00+00:00 {time.time() + 600}")
    monkeypatch.setenv("NBMLOPS_CLOCK", str(at))
    with Workspace.init(tmp_path) as opened:
        with pytest.raises(InvalidError, match="no glass to break"):
            opened.store.break_glass("why not")
        adopt(opened)
        monkeypatch.setenv("NBMLOPS_USER", "ben")
        with pytest.raises(InvalidError, match="needs a reason"):
            opened.store.break_glass("  ")
        glass = opened.store.break_glass("production is down,\nann is away")
        assert glass.until == datetime(2026, 11, 23, 10, tzinfo=UTC)
        assert opened.store.gc(dry_run=True).dry_run
        use, opening = opened.audit.events(2)
        assert (use.action, use.subject, use.actor) == ("access.break_glass_use", "store gc", "ben")
        assert use.detail["reason"] == opening.detail["reason"] == "production is down, ann is away"
        assert "glass broken by ben until" in text(opened.status())
        monkeypatch.setenv("NBMLOPS_USER", "stranger")
        with pytest.raises(RefusedError, match="stranger has no role"):
            opened.store.gc(dry_run=True)
        monkeypatch.setenv("NBMLOPS_USER", "ben")
        at.write_text(f"2026-11-23T10:00:01+00:00 {time.time() + 600}")
        with pytest.raises(RefusedError, match="ben may not"):
            opened.store.gc(dry_run=True)
        monkeypatch.setenv("NBMLOPS_BREAK_GLASS", "again")
        opened.store.gc(dry_run=True)
        assert opened.audit.events(1)[0].detail == {"reason": "again", "needs": "admin"}
        assert opened.store.policy().glasses[0].until is None
    assert timedelta(hours=1) == glass.until - glass.at


def test_roles_of_the_database_are_none_of_sqlite(opened: Workspace) -> None:
    from nbmlops.core.errors import UnsupportedError

    for asked in (
        lambda: opened.store.grant("ben", "viewer"),
        lambda: opened.store.grant(listed=True),
        lambda: opened.store.revoke("ben"),
    ):
        with pytest.raises(UnsupportedError, match="SQLite, which has no users"):
            asked()
