"""For one machine: units for systemd, and a line for cron."""

from __future__ import annotations

import shlex
import time

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.export.calendars import in_utc, on_calendar
from nbmlops.pipelines.export.records import Wanted

__all__ = ["cron", "plain", "quoted", "systemd"]


def systemd(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """A service, its timer if a line says when, and what is left to do."""
    command = " ".join(map(quoted, wanted.words(wanted.due, wanted.program)))
    service = f"""\
# Written by: {wanted.made_by}
[Unit]
Description=Runs {plain(wanted.ref)}

[Service]
Type=oneshot
WorkingDirectory={plain(str(wanted.root))}
ExecStart={command}
KillMode=mixed
TimeoutStopSec=15
"""
    files = {f"{wanted.label}.service": service}
    if wanted.cron is None:
        return files, (f"copy it into ~/.config/systemd/user, then systemctl --user start {wanted.label}",)
    when = "\n".join(f"OnCalendar={line}" for line in on_calendar(wanted.cron))
    # Persistent: what was due while the machine was off is started when it is on again, once.
    files[f"{wanted.label}.timer"] = f"""\
# Written by: {wanted.made_by}
[Unit]
Description=Says when {plain(wanted.ref)} is due

[Timer]
{when}
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""
    start = f"systemctl --user enable --now {wanted.label}.timer"
    return files, (f"copy both into ~/.config/systemd/user, then {start}", "loginctl enable-linger, to run logged out")


def cron(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """A line for crontab, and what is left to do.

    Cron goes by the machine's clock. Where that is not the line's zone it starts the command more often, which then
    has nothing to do.

    Raises
    ------
    InvalidError
        When nothing says when it is due.
    """
    if wanted.cron is None:
        raise InvalidError("a line of cron says when", hint='--cron "0 6 * * *"')
    command = f"cd {shlex.quote(str(wanted.root))} && {wanted.line(wanted.due, wanted.program)}"
    # Cron ends a command at its first per cent sign.
    escaped = command.replace("%", r"\%")
    content = f"# Written by: {wanted.made_by}\n{_when(wanted)} {escaped}\n"
    return {f"{wanted.label}.crontab": content}, ("(crontab -l; cat THE_FILE) | crontab -",)


def _when(wanted: Wanted) -> str:
    """The line itself where the machine's clock is in UTC; else every hour, at the minutes that may be due."""
    assert wanted.cron is not None
    if not time.daylight and not time.timezone:
        return in_utc(wanted.cron)
    aside = (time.timezone // 60) % 60
    return f"{in_utc(wanted.cron, minutes_off=-aside).split()[0]} * * * *"


def plain(text: str) -> str:
    """A text of a unit, in which per cent signs begin nothing (systemd.unit(5), "Specifiers")."""
    return text.replace("%", "%%")


def quoted(word: str) -> str:
    """A word of a command line (systemd.service(5), "Command lines")."""
    inner = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{inner}"' if any(letter in word for letter in " \t\"'\\;#*$") or not word else inner
