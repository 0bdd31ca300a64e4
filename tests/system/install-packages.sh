#!/bin/sh
# Installs what the tests in this folder need beyond pip packages: a Chromium, from the system's own packages.
set -eu

for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "No Chromium found and no apt-get to install it with: install Chromium and name it, CHROMIUM=/path/to/it" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "No Chromium found and no right to install it: as root, apt-get install chromium" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
$as_root apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core
