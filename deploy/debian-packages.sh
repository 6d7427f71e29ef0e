#!/bin/sh
# Debian packages that a task of the Makefile needs. Installs what is missing where that is possible (root, apt); else says
# which packages to install, and ends with 1. Usage: deploy/debian-packages.sh TASK
set -eu

case "${1:-}" in
  # better-sqlite3 is compiled where no ready binary for this machine can be had.
  build) packages='curl g++ make openssl python3' ;;
  demo) packages='eapoltest freediameter freediameter-extensions freeradius-utils openssl python3 radsecproxy' ;;
  test-pg) packages='postgresql' ;;
  interop) packages='chromium erlang-base erlang-diameter eapoltest freediameter freediameter-extensions freeradius freeradius-utils hostapd libxml2-utils opensc openssl python3 python3-cryptography radsecproxy softhsm2 tshark zbar-tools' ;;
  bench) packages='erlang-base erlang-diameter gcc libc6-dev libssl-dev freeradius freeradius-postgresql postgresql hostapd python3 python3-cryptography' ;;
  *)
    echo "usage: $0 build|demo|test-pg|interop|bench" >&2
    exit 64
    ;;
esac

missing=''
for package in $packages; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || state=''
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing Debian packages; install them with: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # one word per package
if { apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends $missing; } >"$log" 2>&1; then exit 0; fi
tail -n 20 "$log" >&2
echo "Could not install$missing: see the lines above" >&2
exit 1
