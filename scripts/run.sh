#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - what `make run` shows. PID=N or CMD="program args": streams that until Ctrl-C.
# With neither: starts the bundled leaky service, streams it for a while, takes a snapshot
# and exports its metrics.
set -euo pipefail
cd "$(dirname "$0")/.."
tw=build/threadwatch
seconds=${SECONDS_TO_SHOW:-6}

if [ -n "${PID:-}" ]; then
	exec "$tw" -p "$PID"
elif [ -n "${CMD:-}" ]; then
	# The user's own command line, split as a shell does.
	exec "$tw" -- sh -c "exec $CMD"
fi

folder=$(mktemp -d)
service='' exporter=''
clean_up() {
	for pid in $exporter $service; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$folder"
}
trap clean_up EXIT

build/leaky-service >"$folder/service.log" &
service=$!
echo "== The bundled leaky service runs as process $service. Its stream for $seconds seconds, as"
echo "   \`threadwatch -p $service\` shows it, and last a snapshot: \`kill -USR1\` to threadwatch."
"$tw" -p "$service" -d "$seconds" &
stream=$!
sleep "$((seconds - 1))"
kill -USR1 "$stream"
wait "$stream"
echo
echo "== Without a running stream: \`threadwatch snapshot -p $service\`. Spans and given names"
echo "   are known only from the moment somebody watches."
"$tw" snapshot -p "$service"
echo
metrics=$folder/threadwatch.prom
echo "== For Prometheus: \`threadwatch export -p $service --textfile threadwatch.prom\`"
"$tw" export -p "$service" --textfile "$metrics" --interval 1 2>"$folder/export.log" &
exporter=$!
for _ in $(seq 100); do
	grep -q '^threadwatch_routines_started_total{.*} [1-9]' "$metrics" 2>/dev/null && break
	sleep 0.1
done
cat "$metrics"
echo
echo "Watch a program of yours: sudo make run PID=1234, or sudo make run CMD=\"program args\"."
