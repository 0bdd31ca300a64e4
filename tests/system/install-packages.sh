#!/bin/sh
# Installs what the tests in this folder need beyond pip packages, from the system's own packages: a Chromium, a
# PostgreSQL, a Redis, cron, strace and systemd's reader of units.
set -eu

missing=
for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome none; do
    if [ "$name" = none ]; then
        missing="chromium fonts-dejavu-core"
    elif command -v "$name" >/dev/null 2>&1; then
        break
    fi
done
# Debian keeps the server's programs off the PATH.
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    missing="$missing postgresql"
fi
command -v strace >/dev/null 2>&1 || missing="$missing strace"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
command -v cron >/dev/null 2>&1 || missing="$missing cron"
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
if [ -z "$missing" ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "There is no apt-get to install $missing with: install them; CHROMIUM=/path/to/it names a Chromium" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "No right to install what is missing: as root, apt-get install $missing" >&2
    exit 1
fi

# The tests start a server of their own; the package would start another, which nobody needs.
if [ "${missing#*postgresql}" != "$missing" ]; then
    $as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.d/nbmlops.conf >/dev/null
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086 - several words
$as_root apt-get install -q -y --no-install-recommends $missing
