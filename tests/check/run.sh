#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - checks that need no root: layers, format, shell scripts, kernel types, manual and
# completion against the options, manual and README.md against the counters. Each ends with a line
# of sums.
set -euo pipefail
cd "$(dirname "$0")/../.."

# one NAME COMMAND...: passes when the command succeeds; its output tells why not.
one() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "1 passed, 0 failed, 0 skipped"
	else
		printf 'FAIL %s: %s\n' "$name" "$output"
		echo "0 passed, 1 failed, 0 skipped"
	fi
}

mapfile -t sources < <(git ls-files '*.c' '*.h' '*.cpp')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run completion)

tests/check/layers.sh || true
build/vmlinux-check build/bpf/threadwatch.o || true
one format clang-format --dry-run -Werror "${sources[@]}"
one shellcheck shellcheck "${scripts[@]}"
one manual mandoc -T lint -W warning man/threadwatch.8
tests/check/options.sh || true
tests/check/counters.sh || true
