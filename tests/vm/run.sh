#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - the live tests under other kernels: Debian's 6.1 and its newest, and 5.10, which
#          threadwatch must refuse.
#
#   run.sh [-j GUESTS] [-m MIB] [-t SECONDS] [KERNEL...]
#
# KERNEL  a series (6.12) or "newest", as vmtest.sh takes them (default: 6.1 newest 5.10):
#           6.1 and later  build/tests/live runs in the guest with TW_VM=1, next to
#                          build/threadwatch and build/workloads
#           older          "threadwatch snapshot -p 1" must exit 69 with one sentence
# -j      guests that run at the same time (default 2)
# -m, -t  memory and time limit of each (default 2048, 1200)
#
# Each line of a guest is printed behind its kernel's release; what it said stays in
# build/vm/KERNEL.log, its console in KERNEL.console. The last line is the sum over all guests:
# N passed, N failed, N skipped.
# A guest whose lines do not add up to its own last line, or that says nothing, has failed. When
# the newest kernel cannot be fetched, 6.12 takes its place and that counts as skipped.
#
# exit status: 0 all passed, 1 something failed or could not be run, 64 usage
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
export VMTEST_CACHE=${VMTEST_CACHE:-$PWD/.cache/vmtest}

readonly minimum=6.1 fallback=6.12 status_refused=69 status_usage=64
readonly threadwatch=build/threadwatch live=build/tests/live workloads=build/workloads
readonly logs=build/vm
guests=2 memory=2048 limit=1200

usage() { sed -n '3,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

while getopts 'j:m:t:h' o; do
	case $o in
	j) guests=$OPTARG ;; m) memory=$OPTARG ;; t) limit=$OPTARG ;;
	h) usage; exit 0 ;; *) usage >&2; exit $status_usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- 6.1 newest 5.10
for number in "$guests" "$memory" "$limit"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || { echo "run.sh: not a number: $number" >&2; exit $status_usage; }
done
for kernel; do
	[[ $kernel =~ ^([0-9]+(\.[0-9]+)*|newest)$ ]] ||
		{ echo "run.sh: not a kernel series: $kernel" >&2; exit $status_usage; }
done

guest() { # guest KERNEL [OPTION...] -- PROGRAM [ARG...]
	local kernel=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	"$here/vmtest.sh" -v -m "$memory" -t "$limit" -l "$logs/$kernel.console" -e TW_VM=1 \
		-f "$threadwatch" ${options[@]+"${options[@]}"} "$kernel" "$@"
}

run_live() { guest "$1" -f "$workloads" -- "$live"; }

run_refused() { # run_refused KERNEL RELEASE
	local dir=$logs/$1.refused number=${2%%-*} status why=''
	# shellcheck disable=SC2016 # $OUT and $? are the guest's
	guest "$1" -o "$dir" -- sh -c \
		"$threadwatch"' snapshot -p 1 >"$OUT/stdout" 2>"$OUT/stderr"; echo $? >"$OUT/status"' ||
		return
	status=$(cat "$dir/status")
	sed 's/^/stderr: /' "$dir/stderr"
	if [ "$status" != $status_refused ]; then
		why="exit status $status, not $status_refused"
	elif [ "$(wc -l <"$dir/stderr")" != 1 ]; then
		why='not exactly one line on stderr'
	elif ! grep -Eq "^threadwatch: .*\b$number\b.* lacks .+: needs Linux [0-9]+\.[0-9]+" \
		"$dir/stderr"; then
		why="stderr does not say what $number lacks and which Linux is needed"
	elif [ -s "$dir/stdout" ]; then
		why='something on stdout'
	fi
	if [ -z "$why" ]; then
		printf '%s\n' 'ok refused' '1 passed, 0 failed, 0 skipped'
		return
	fi
	printf '%s\n' "FAIL refused: $why" '0 passed, 1 failed, 0 skipped'
	return 1
}

# verdict KERNEL STATUS: checks what the guest said against its own sum and its exit status.
# Leaves "passed failed skipped" in KERNEL.sum; what is wrong with the guest as a whole counts as
# one more failed.
verdict() {
	awk -v status="$2" -v sum="$logs/$1.sum" '
		/^ok / { ok++ }
		/^FAIL / { bad++ }
		/^skip / { skip++ }
		/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { said = $0 }
		END {
			own = sprintf("%d passed, %d failed, %d skipped", ok, bad, skip)
			if (said == "") why = "ended with status " status " before the sum of its tests"
			else if (said != own) why = "says \"" said "\" where its lines say \"" own "\""
			else if ((status != 0) != (bad != 0)) why = "status " status " with " own
			else if (ok + bad == 0) why = "ran no test"
			if (why != "") { bad++; print "FAIL guest: " why }
			print ok + 0, bad + 0, skip + 0 >sum
		}' "$logs/$1.log"
}

run_kernel() { # run_kernel KERNEL RELEASE
	local run=run_live status=0
	[ "$(printf '%s\n' $minimum "$2" | sort -V | sed -n 1p)" = $minimum ] || run=run_refused
	$run "$1" "$2" 2>&1 | tee "$logs/$1.log" | sed -u "s/^/[$2] /" || status=${PIPESTATUS[0]}
	verdict "$1" "$status" | sed -u "s/^/[$2] /"
}

mkdir -p "$logs"
for file in "$threadwatch" "$live" "$workloads"; do
	[ -e "$file" ] || { echo "run.sh: $file is not there: run make first" >&2; exit 1; }
done

# One after the other: the fetches share apt's lists.
kernels=() releases=() passed=0 failed=0 skipped=0
for kernel; do
	rm -rf "$logs/$kernel".*
	if ! found=$("$here/vmtest.sh" -n "$kernel") && [ "$kernel" = newest ]; then
		echo "skip newest_kernel: cannot be fetched, $fallback takes its place"
		skipped=$((skipped + 1)) kernel=$fallback
		found=$("$here/vmtest.sh" -n "$kernel") || :
	fi
	if [ -z "$found" ]; then
		echo "FAIL fetch_$kernel: no kernel"
		failed=$((failed + 1))
		continue
	fi
	case " ${kernels[*]-} " in *" $kernel "*) continue ;; esac
	kernels+=("$kernel") releases+=("${found%%-cloud*}")
done

# Job control gives each guest a process group of its own, so that all of it can be ended.
set -m
end_guests() {
	local job
	for job in $(jobs -p); do kill -- "-$job" 2>/dev/null || :; done
}
trap end_guests EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for i in "${!kernels[@]}"; do
	[ "$i" -lt "$guests" ] || wait -n || :
	run_kernel "${kernels[i]}" "${releases[i]}" &
done
wait

for kernel in ${kernels[@]+"${kernels[@]}"}; do
	read -r ok bad skip <"$logs/$kernel.sum" || { ok=0 bad=1 skip=0; echo "FAIL $kernel: no sum"; }
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
