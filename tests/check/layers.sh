#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# layers.sh - each folder includes only what ARCHITECTURE.md lets it know.
# Prints a FAIL line per violation and the sum.
set -euo pipefail

passed=0 failed=0

# allow FOLDER REGEX: quoted includes of the files in FOLDER must match REGEX.
allow() {
	local file include
	for file in "$1"/*.[ch]; do
		while IFS= read -r include; do
			if [[ $include =~ ^($2) ]]; then
				passed=$((passed + 1))
			else
				echo "FAIL layers: $file must not include \"$include\""
				failed=$((failed + 1))
			fi
		done < <(sed -n 's/^#include "\(.*\)"$/\1/p' "$file")
	done
}

# deny FOLDER REGEX WHY: system includes or calls that a folder must not have.
deny() {
	local hits
	hits=$(grep -nE "$2" "$1"/*.[ch] || true)
	if [ -z "$hits" ]; then
		passed=$((passed + 1))
	else
		echo "FAIL layers: $1 $3: ${hits//$'\n'/; }"
		failed=$((failed + 1))
	fi
}

allow bpf 'bpf/|vmlinux/'
allow user/kernel 'bpf/|kernel/|base/|target/target\.h'
allow user/target 'bpf/wire\.h|target/|base/|[a-z_]+\.h'
allow user/model 'bpf/wire\.h|model/|base/|[a-z_]+\.h'
allow user/out 'model/|out/|bpf/wire\.h|[a-z_]+\.h'
allow user/cmd 'bpf/wire\.h|cmd/|kernel/(kernel|mmap_events)\.h|target/(target|cgroup|proc_text)\.h|base/|model/|out/'

deny user/base '#include "' 'must know nothing'
deny user/target '#include <bpf/' 'must not know BPF'
deny user/model '#include <(bpf|stdio|unistd|fcntl|time)' 'must be pure'
deny user/out '#include <bpf/' 'must not know where data come from'
deny user/kernel '\b(printf|fprintf|puts|perror)\(' 'must not print'

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
