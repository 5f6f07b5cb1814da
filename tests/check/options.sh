#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# options.sh - the long options that each command's --help shows are those that the manual and
# the bash completion know, and the other way round.
set -euo pipefail

passed=0 failed=0

same() { # same WHAT EXPECTED ACTUAL
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		echo "FAIL options: $1: --help has [$2], it has [$3]"
		failed=$((failed + 1))
	fi
}

words() { tr ' ' '\n' | grep -E '^--[a-z]' | sort -u | tr '\n' ' ' || true; }

all=''
# Without a command it is trace.
for command in trace snapshot export; do
	options=$(build/threadwatch $command --help | grep -oE -- '--[a-z][a-z-]+' | words)
	completed=$(bash -c '
		source completion/threadwatch
		COMP_WORDS=(threadwatch "$1" --) COMP_CWORD=2
		_threadwatch
		echo "${COMPREPLY[*]}"' _ $command | words)
	same "completion of $command" "$options" "$completed"
	all+=" $options"
done
manual=$(sed 's/\\-/-/g' man/threadwatch.8 | grep -oE -- '--[a-z][a-z-]+' | words)
same manual "$(echo "$all" | words)" "$manual"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
