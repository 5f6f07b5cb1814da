#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh [test] - installs the Debian packages that threadwatch is built from, and with
# `test` those that its tests use too. Says what it does; does nothing when all are there.
set -euo pipefail
cd "$(dirname "$0")/.."

build=(clang llvm gcc g++ make bpftool libbpf-dev libelf-dev libdw-dev libiberty-dev
	liblzma-dev zlib1g-dev git)
tests=(libcmocka-dev libjansson-dev clang-format shellcheck mandoc bash-completion file
	binutils musl-tools libclang-rt-14-dev prometheus redis-server memcached nginx-light
	python3-minimal rustc golang-go openjdk-17-jdk-headless cpio busybox-static)
wanted=("${build[@]}")
[ "${1:-}" != test ] || wanted+=("${tests[@]}")

# The guests of `make vmtest` need QEMU 10, which Debian 12 has in its backports only.
emulator() {
	[ "$1" = test ] || return 0
	qemu-system-x86_64 --version 2>/dev/null | grep -Eq 'version [1-9][0-9]' && return 0
	[ "$(id -u)" -eq 0 ] || return 0
	echo "deps: installing QEMU for the tests under other kernels"
	tests/vm/vmtest.sh -I >/dev/null 2>&1 ||
		echo "deps: QEMU could not be installed, the kernel tests will fail" >&2
}

# Names of threads are tested under the Python of other releases too.
pythons() {
	[ "$1" = test ] || return 0
	tests/pythons.sh || echo "deps: the tests of names skip them" >&2
}

missing=()
for package in "${wanted[@]}"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
	echo "deps: all ${#wanted[@]} packages are installed"
	emulator "${1:-}"
	pythons "${1:-}"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "deps: not root, cannot install: run it with sudo, or install ${missing[*]}" >&2
	exit 77
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Services of test packages must not start: the tests start their own on their own ports.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	trap 'rm -f "$log" /usr/sbin/policy-rc.d' EXIT
fi
if ! { apt-get -q update && apt-get -q -y -o DPkg::Lock::Timeout=300 install \
	--no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "deps: apt-get failed, its last lines are above" >&2
	exit 1
fi
emulator "${1:-}"
pythons "${1:-}"
echo "deps: done"
