#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh DIRECTORY - measures threadwatch with the programs in DIRECTORY (see bench.mk).
#
# Three tables: how long a snapshot of 1,000 threads takes, cold (a new process, nothing looked
# up yet) and warm (SIGUSR1 to a stream that has its names); how long it takes to attach to a
# program with many probe sites and to leave it; what creating and joining a thread costs
# untraced and traced. The modes of a table take turns in each round, so that a machine that
# gets slower slows all of them; read the ratios of the medians, not the times. Asserts nothing.
# ROUNDS, THREADS, CYCLES: how much of it. Needs root.
set -euo pipefail

programs=$1
tw=build/threadwatch
rounds=${ROUNDS:-11} threads=${THREADS:-1000} cycles=${CYCLES:-10000}
scratch=$(mktemp -d)
target='' watcher='' # process ids
declare -A samples=()

clean() {
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
	[ -z "$target" ] || kill "$target" 2>/dev/null || true
	rm -rf "$scratch"
}
trap clean EXIT

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

note() { samples[$1]+="$2 "; } # note MODE MICROSECONDS

# Starts a program of ours on descriptors 3 (its output) and 4 (its input) as $target.
start_target() {
	mkfifo "$scratch/out" "$scratch/in"
	"$programs/$1" "${@:2}" >"$scratch/out" <"$scratch/in" &
	target=$!
	exec 3<"$scratch/out" 4>"$scratch/in"
	rm "$scratch/out" "$scratch/in"
	read -r _ <&3
}

end_target() {
	exec 3<&- 4>&-
	wait "$target" || true
	target=''
}

# Starts threadwatch as $watcher with its messages on descriptor 5, and waits until a message
# begins with $1.
start_watcher() {
	mkfifo "$scratch/err"
	"$tw" "${@:2}" 2>"$scratch/err" 3<&- 4>&- &
	watcher=$!
	exec 5<"$scratch/err"
	rm "$scratch/err"
	while read -r message <&5; do
		case $message in "threadwatch: $1"*) return ;; esac
	done
	echo "bench: threadwatch ${*:2}: ended" >&2
	exit 1
}

end_watcher() {
	kill "$watcher" 2>/dev/null || true # it ends with its target by itself
	wait "$watcher" || true
	exec 5<&-
	watcher=''
}

# table TITLE BASE MODE... - medians and what each is of BASE's.
table() {
	local mode base
	printf '\n%-34s %10s %10s %10s %7s\n' "$1" median fastest slowest ratio
	base=$2
	shift
	for mode; do
		echo "${samples[$mode]}" | tr ' ' '\n' | sed '/^$/d' | sort -n |
			awk -v mode="$mode" '{ v[NR] = $1 } END {
				print mode "\t" v[int((NR + 1) / 2)] "\t" v[1] "\t" v[NR] }'
	done | awk -F '\t' -v base="$base" '
		$1 == base && !b { b = $2; next }
		{ printf "%-34s %7.2f ms %7.2f ms %7.2f ms %6.2fx\n",
			$1, $2 / 1000, $3 / 1000, $4 / 1000, $2 / b }'
}

ask_stream() {
	local line=''
	kill -USR1 "$watcher"
	until [[ $line == *'"type":"snapshot"'* ]]; do read -r line <&6; done
}

bench_snapshots() {
	local begin
	start_target threads "$threads"
	mkfifo "$scratch/stream"
	# Opened for both, so that neither end waits for the other.
	exec 6<>"$scratch/stream"
	# -r keeps its list of a thousand threads out of the pipe, which nobody reads yet; all are
	# walked, named and grouped before that.
	start_watcher watching: -o json -p "$target" -r '^main$' --output "$scratch/stream"
	ask_stream
	for ((i = 0; i < rounds; i++)); do
		begin=$(now_us)
		"$tw" snapshot -p "$target" -o json >"$scratch/snapshot"
		note 'snapshot, cold' $(($(now_us) - begin))
		begin=$(now_us)
		ask_stream
		note 'snapshot, warm' $(($(now_us) - begin))
	done
	end_watcher
	exec 6<&-
	end_target
	table "$threads threads" 'snapshot, warm' 'snapshot, warm' 'snapshot, cold'
}

bench_sites() {
	local begin mode probes=0
	for ((i = 0; i < rounds; i++)); do
		for mode in sites threads; do
			start_target $mode 0
			begin=$(now_us)
			start_watcher watching: -p "$target" --output "$scratch/output"
			note "attach, $mode" $(($(now_us) - begin))
			[ $mode = threads ] || probes=${message##*, }
			begin=$(now_us)
			end_watcher
			note "leave, $mode" $(($(now_us) - begin))
			end_target
		done
	done
	table "$probes" 'attach, threads' 'attach, threads' 'attach, sites' 'leave, threads' \
		'leave, sites'
}

bench_cycles() {
	local mode ns command
	local modes=(untraced 'export --no-uprobes' export 'trace --no-uprobes' trace)
	for ((i = 0; i < rounds; i++)); do
		for mode in "${modes[@]}"; do
			start_target cycle "$cycles"
			read -ra command <<<"$mode"
			case $mode in
			trace*) start_watcher watching: "${command[@]}" -p "$target" --output /dev/null ;;
			export*) start_watcher exporting "${command[@]}" -p "$target" \
				--textfile "$scratch/tw.prom" ;;
			esac
			echo >&4
			read -r ns <&3
			note "$mode" "$ns" # of one thread; so many microseconds take 1,000
			[ -z "$watcher" ] || end_watcher
			end_target
		done
	done
	table 'create and join, 1000 threads' untraced "${modes[@]}"
}

echo "$(uname -r), $(nproc) CPUs, $rounds rounds"
bench_snapshots
bench_sites
bench_cycles
