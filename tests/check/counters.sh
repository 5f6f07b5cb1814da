#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# counters.sh - each counter of losses and fall-backs is described in the manual and in
# README.md, and nothing is described there that does not exist.
set -euo pipefail

passed=0 failed=0

# one PLACE EXPECTED ACTUAL: sorted names.
one() {
	local missing stale
	missing=$(comm -23 <(echo "$2") <(echo "$3") | tr '\n' ' ')
	stale=$(comm -13 <(echo "$2") <(echo "$3") | tr '\n' ' ')
	if [ -z "$missing$stale" ]; then
		passed=$((passed + 1))
	else
		echo "FAIL counters: $1 lacks [$missing], has for nothing [$stale]"
		failed=$((failed + 1))
	fi
}

# The second column of WIRE_COUNTERS, and the table of our own.
counters=$({
	sed -n '/^#define WIRE_COUNTERS/,/^$/s/.*X([A-Z_]*, *"\([a-z_]*\)").*/\1/p' bpf/wire.h
	sed -n '/own\[\] = {/,/};/s/^\t*{"\([a-z_]*\)",.*/\1/p' user/cmd/counters.c
} | sort)
# Tags of one kind or of two that alternate: ".B a", ".BR a ", " b".
manual=$(sed -n '/^\.SH COUNTERS/,/^\.SH SIGNALS/{/^\.TP/{n;s/^\.BR\? //;s/[",]//g;p}}' \
	man/threadwatch.8 | tr -s ' ' '\n' | sort)
# The first column of the table, names in backquotes.
# shellcheck disable=SC2016
readme=$(sed -n '/^## Counters/,/^## Requirements/s/^| \(`[^|]*`\) |.*/\1/p' README.md |
	grep -o '[a-z_]*' | sort)

one manual "$counters" "$manual"
one README.md "$counters" "$readme"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
