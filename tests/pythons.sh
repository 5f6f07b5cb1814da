#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# pythons.sh - unpacks the Python of other Debian releases, for the tests of names.
#
# 3.9 of bullseye and 3.13 of trixie, each with its own libraries and a script `run` that starts
# it, in ${XDG_CACHE_HOME:-~/.cache}/threadwatch/python/SUITE. Nothing is installed and nothing of
# the system's apt changes. Does nothing when they are there. Root is not needed.
# Exit 1 when one could not be had.
set -euo pipefail

folder=${XDG_CACHE_HOME:-$HOME/.cache}/threadwatch/python
arch=$(dpkg --print-architecture)
multiarch=$(gcc -dumpmachine)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The mirror of Debian's main archive that apt is configured with.
mirror() {
	apt-get --print-uris update 2>/dev/null |
		awk -F"'" '!m && sub("/dists/[a-z]*(-updates|-backports)?/InRelease$", "", $2) &&
			$2 !~ /-security$/ { m = $2 } END { print m }'
}

# own SUITE COMMAND...: apt with lists and a status of its own
own() {
	local apt=$work/$1 command=$2
	shift 2
	"$command" -q -o Dir::Etc::SourceList="$apt/suite.sources" -o Dir::Etc::SourceParts="$apt/none" \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$apt/none" \
		-o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" \
		-o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o Dir::Cache::archives="$apt/archives" -o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false -o APT::Sandbox::User="$(id -un)" \
		-o APT::Architecture="$arch" -o APT::Architectures::="$arch" "$@"
}

# unpack SUITE VERSION. Called where `set -e` does not reach, so each step says what it needs.
unpack() {
	local suite=$1 version=$2 apt=$work/$1 root=$folder/$1 deb
	[ ! -x "$root/run" ] || return 0
	mkdir -p "$apt/lists/partial" "$apt/cache" "$apt/archives/partial" "$apt/none" "$root" || return 1
	: >"$apt/status"
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$(mirror)" \
		"$suite" /usr/share/keyrings/debian-archive-keyring.gpg >"$apt/suite.sources"
	own "$suite" apt-get update || return 1
	(cd "$apt/archives" && own "$suite" apt-get download "python$version-minimal" \
		"libpython$version-minimal" "libpython$version-stdlib" libc6 libexpat1 zlib1g) ||
		return 1
	for deb in "$apt"/archives/*.deb; do
		dpkg-deb -x "$deb" "$root" || return 1
	done
	cat >"$root/run.new" <<-END
		#!/bin/sh
		PYTHONHOME='$root/usr' exec "\$(find '$root' -name 'ld-linux*.so.*' | head -n1)" \\
			--library-path '$root/lib/$multiarch:$root/usr/lib/$multiarch' \\
			'$root/usr/bin/python$version' "\$@"
	END
	chmod 755 "$root/run.new" && mv "$root/run.new" "$root/run"
}

log=$work/log
for python in 'bullseye 3.9' 'trixie 3.13'; do
	# shellcheck disable=SC2086 # two words
	if ! unpack $python >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		echo "pythons: Python ${python#* } of ${python% *} could not be unpacked" >&2
		exit 1
	fi
done
