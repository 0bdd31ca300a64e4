"""What kind of file system a folder lies on, from the kernel's own table of mounts."""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.errors import UnsupportedError

__all__ = ["is_network", "kind_of", "refuse_network"]

# SQLite's locks do not hold over a network: https://www.sqlite.org/faq.html#q5
_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs afs ncpfs 9p lustre glusterfs fuse.glusterfs fuse.sshfs fuse.s3fs ceph beegfs".split()
)
_MOUNTS = Path("/proc/self/mounts")


def kind_of(folder: Path, mounts: str | None = None) -> str:
    """Name of the file system below `folder`, such as ``ext4``; ``unknown`` where no table of mounts is.

    Parameters
    ----------
    folder : Path
        An existing folder.
    mounts : str, optional
        The table of mounts in the form of ``fstab(5)``; the running kernel's by default.
    """
    if mounts is None:
        if not _MOUNTS.exists():
            return "unknown"
        mounts = _MOUNTS.read_text(errors="replace")
    target = folder.resolve()
    best, kind = -1, "unknown"
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def is_network(folder: Path, mounts: str | None = None) -> bool:
    """Whether a folder lies on a network file system."""
    return kind_of(folder, mounts) in _NETWORK


def refuse_network(folder: Path, mounts: str | None = None) -> None:
    """Refuse a folder on a network file system.

    Raises
    ------
    UnsupportedError
        When SQLite's locks cannot be relied on there.
    """
    kind = kind_of(folder, mounts)
    if kind in _NETWORK:
        raise UnsupportedError(
            f"{folder} lies on {kind}, a network file system, where SQLite cannot lock",
            hint="put the workspace on a local disk, or set NBMLOPS_CATALOG to a postgresql:// URL",
        )
