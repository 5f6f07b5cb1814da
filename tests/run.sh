#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh GROUP... - runs groups of tests and adds up what they say.
#
# Groups: check unit header live vm. Each prints its own lines and ends with
# "N passed, N failed, N skipped"; so does this, with the sum. Before that it repeats what failed,
# so that the end of a long log says it. Exit 1 when anything failed.
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 skipped=0
log=$(mktemp) failures=$(mktemp)
trap 'rm -f "$log" "$failures"' EXIT

# One cmocka program, told in TAP: each test is one of ours.
unit_program() {
	local name=${1##*/} status=0
	CMOCKA_MESSAGE_OUTPUT=TAP "$1" >"$log.out" 2>"$log.err" || status=$?
	awk -v name="$name" '
		/^ok .*# SKIP/ { sub(/^ok [0-9]+ - /, ""); sub(/ *# SKIP.*/, "")
			print "skip " name ": " $0; skipped++; next }
		/^ok /     { passed++; next }
		/^not ok / { sub(/^not ok [0-9]+ - /, ""); print "FAIL " name ": " $0; failed++; next }
		END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }' \
		"$log.out"
	# A crash or a sanitizer report ends the program before its tests can tell.
	if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$log.out"; then
		echo "FAIL $name: ended with status $status"
		echo "0 passed, 1 failed, 0 skipped"
	fi
	[ "$status" -eq 0 ] || sed 's/^/    /' "$log.err"
	rm -f "$log.out" "$log.err"
}

group() {
	local program
	case $1 in
	check) tests/check/run.sh ;;
	unit) for program in build/tests/unit/test_*; do
		case $program in *.d | *.o) ;; *) unit_program "$program" ;; esac
	done ;;
	header) tests/header/run.sh ;;
	live) build/tests/live ;;
	vm) tests/vm/run.sh ;;
	*)
		echo "run.sh: no group '$1': check unit header live vm" >&2
		exit 64
		;;
	esac
}

for name; do
	echo "== $name"
	status=0
	group "$name" >"$log" 2>&1 || status=$?
	grep -Ev '^[0-9]+ passed, ' "$log" || true
	sed -n "s/^FAIL /FAIL $name: /p" "$log" >>"$failures"
	sums=$(awk '/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; s += $5; n++ }
		END { print n + 0, p + 0, f + 0, s + 0 }' "$log")
	read -r lines p f s <<<"$sums"
	if [ "$lines" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; }; then
		echo "FAIL $name: ended with status $status without saying why" | tee -a "$failures"
		f=$((f + 1))
	fi
	echo "-- $name: $p passed, $f failed, $s skipped"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
cat "$failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
