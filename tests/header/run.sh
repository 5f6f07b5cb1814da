#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh - tests include/threadwatch.h without root: compilers, standards, notes, code, traps.
#
# tests/header/run.sh [BUILD_DIR]
# Prints a line a case, `ok NAME` or `FAIL NAME: why`, and last `N passed, N failed`; exits 1
# when a case failed. Needs gcc, g++, clang and binutils.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
header_dir=$(cd "$here/../../include" && pwd)
out=${1:-$here/../../build/header}
mkdir -p "$out"
out=$(cd "$out" && pwd)

warnings=(-Wall -Wextra -Wpedantic -Werror)
strict=(-Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wwrite-strings)
strict_cpp=(-Wold-style-cast -Wzero-as-null-pointer-constant -Woverloaded-virtual)
passed=0
failed=0

# run NAME COMMAND...: one case. What the command says is why it failed.
run() {
	local name=$1 why status
	shift
	set +e
	why=$(set -e && "$@" 2>&1)
	status=$?
	set -e
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		why=${why:-exit status $status}
		why=${why//$'\n'/; }
		echo "FAIL $name: ${why:0:500}"
	fi
}

fail() {
	echo "$*"
	return 1
}

# same WHAT EXPECTED ACTUAL
same() {
	[ "$2" = "$3" ] || fail "$1 differs: $(diff <(echo "$2") <(echo "$3") || true)"
}

# compile COMPILER STANDARD ARGUMENTS...: sources are taken for the language of the standard.
compile() {
	local compiler=$1 standard=$2 language=c
	shift 2
	case $standard in c++*) language=c++ ;; esac
	"$compiler" "-std=$standard" "${warnings[@]}" "-I$here" -x "$language" "$@"
}

# notes FILE: the notes of provider threadwatch, registers as R, counted.
notes() {
	readelf --notes "$1" | awk '
		/Provider:/ { ours = $NF == "threadwatch" }
		/Name:/ { name = $2 }
		/Semaphore:/ { semaphore = $NF }
		ours && /Arguments:/ {
			sub(/^ *Arguments: /, "")
			gsub(/%r[a-z0-9]+/, "R")
			print name, $0, "semaphore", semaphore
		}' | LC_ALL=C sort | uniq -c | sed 's/^ *//'
}

# sites FILE: how many notes point at two 1-byte nops.
sites() {
	objdump -d --no-show-raw-insn "$1" >"$1.asm"
	readelf --notes "$1" | awk -v asm="$1.asm" '
		BEGIN {
			while ((getline line < asm) > 0)
				if (split(line, part, ":\t") == 2) {
					gsub(/ /, "", part[1])
					gsub(/ +$/, "", part[2])
					if (part[2] == "nop" && last == "nop") good[previous] = 1
					previous = part[1]
					last = part[2]
				}
		}
		/Location:/ {
			address = $2
			sub(/^0x0*/, "", address)
			sub(/,$/, "", address)
			count += good[address]
		}
		END { print count + 0 }'
}

# linked COMPILER STANDARD static|shared OPTIMISATION: builds, prints the file with the probes.
linked() {
	local dir="$out/$1-$2-$3$4"
	mkdir -p "$dir"
	if [ "$3" = static ]; then
		compile "$1" "$2" "$4" "-I$header_dir" -static -o "$dir/program" \
			"$here/main.c" "$here/macros.c"
		echo "$dir/program"
	else
		compile "$1" "$2" "$4" "-I$header_dir" -fPIC -shared -o "$dir/libmacros.so" \
			"$here/macros.c"
		compile "$1" "$2" "$4" -o "$dir/program" "$here/main.c" -x none \
			"$dir/libmacros.so" "-Wl,-rpath,$dir"
		echo "$dir/libmacros.so"
	fi
}

case_linked() {
	local file
	file=$(linked "$@")
	same output "$(<"$here/expected.output")" "$("${file%/*}/program")"
	same notes "$(<"$here/expected.notes")" "$(notes "$file")"
	[ "$3" = static ] || same "number of sites that are 1-byte nops" \
		"$(awk '{ n += $1 } END { print n }' "$here/expected.notes")" "$(sites "$file")"
}

case_disabled() {
	local program="$out/disabled-$1-$2$3"
	compile "$1" "$2" "$3" "-I$header_dir" -DTW_DISABLE -o "$program" \
		"$here/main.c" "$here/macros.c"
	same output "$(<"$here/expected.output")" "$("$program")"
	same notes "" "$(notes "$program")"
}

# What the probes tell, by breakpoints in their place (trap.c).
trap_header() {
	mkdir -p "$out/trap"
	sed 's/770:\\tnop/770:\\tint3/' "$header_dir/threadwatch.h" >"$out/trap/threadwatch.h"
	gcc -std=gnu11 -D_GNU_SOURCE "${warnings[@]}" -O2 -c -o "$out/trap/trap.o" "$here/trap.c"
}

case_traced() {
	local program="$out/trap/macros-$1-$2$3"
	compile "$1" "$2" "$3" "-I$out/trap" -static -o "$program" "$here/main.c" \
		"$here/macros.c" -x none "$out/trap/trap.o"
	"$program" >"$program.output" 2>"$program.trace"
	same output "$(<"$here/expected.output")" "$(<"$program.output")"
	same trace "$(<"$here/expected.trace")" "$(<"$program.trace")"
}

# two_units COMPILER STANDARD PROGRAM FLAGS...: scopes.cpp, in its two translation units.
two_units() {
	local compiler=$1 standard=$2 program=$3
	shift 3
	compile "$compiler" "$standard" "$@" -c -o "$program.1.o" "$here/scopes.cpp"
	compile "$compiler" "$standard" "$@" -DSECOND -c -o "$program.2.o" "$here/scopes.cpp"
}

case_scopes_traced() {
	local program="$out/trap/scopes-$1-$2$3"
	two_units "$1" "$2" "$program" "$3" "-I$out/trap"
	"$1" -static -o "$program" "$program.1.o" "$program.2.o" "$out/trap/trap.o"
	"$program" >"$program.output" 2>"$program.trace"
	same trace "$(<"$here/expected.scopes.trace")" "$(<"$program.trace")"
}

# Of the functions that both units have one copy is left, with one copy of its notes.
case_comdat() {
	local program="$out/comdat-$1"
	two_units "$1" c++11 "$program" -O0 "-I$header_dir" -ffunction-sections
	"$1" -Wl,--gc-sections,--fatal-warnings -o "$program" "$program.1.o" "$program.2.o"
	"$program" >/dev/null
	same "notes with data_int" 1 "$(notes "$program" | awk '/ data_int / { n += $1 } END { print n }')"
	same "sites that are 1-byte nops" "$(notes "$program" | awk '{ n += $1 } END { print n }')" \
		"$(sites "$program")"
}

case_sections() {
	local program="$out/sections-$1"
	compile "$1" c11 -O2 "-I$header_dir" -ffunction-sections -fdata-sections \
		-Wl,--gc-sections,--fatal-warnings -o "$program" "$here/main.c" "$here/macros.c"
	same output "$(<"$here/expected.output")" "$("$program")"
	same notes "$(<"$here/expected.notes")" "$(notes "$program")"
}

# All in one unit, which may also duplicate and drop sites: each that is left must be right.
case_lto() {
	local program="$out/lto"
	compile gcc c11 -O2 "-I$header_dir" -flto -o "$program" "$here/main.c" "$here/macros.c"
	same output "$(<"$here/expected.output")" "$("$program")"
	same "kinds of notes" "$(cut -d' ' -f2- "$here/expected.notes")" \
		"$(notes "$program" | cut -d' ' -f2-)"
	same "sites that are 1-byte nops" "$(notes "$program" | awk '{ n += $1 } END { print n }')" \
		"$(sites "$program")"
}

case_stripped() {
	local file
	file=$(linked gcc c11 shared -O2)
	strip -s -o "$out/stripped.so" "$file"
	same notes "$(<"$here/expected.notes")" "$(notes "$out/stripped.so")"
}

case_intel() {
	local object="$out/intel-$1.o"
	compile "$1" c11 -O2 -masm=intel "-I$header_dir" -c -o "$object" "$here/macros.c"
	same notes "$(<"$here/expected.notes")" "$(notes "$object")"
}

case_strict() {
	local more=()
	case $2 in c++*) more=("${strict_cpp[@]}") ;; *) more=(-Wmissing-prototypes) ;; esac
	compile "$1" "$2" -O2 "${strict[@]}" "${more[@]}" "-I$header_dir" -c -o /dev/null \
		"$here/macros.c"
}

# Elsewhere: type-checked, and nothing.
case_other_machine() {
	local object="$out/aarch64.o"
	compile clang "$1" --target=aarch64-linux-gnu -ffreestanding -O2 "-I$header_dir" -c \
		-o "$object" "$here/macros.c"
	same notes "" "$(notes "$object")"
}

# refused COMPILER STANDARD STATEMENT: must not compile, though it would without STATEMENT.
case_refused() {
	local begin='#include "threadwatch.h"
		void f(double d, int *p);
		void f(double d, int *p) { (void)d; (void)p; TW_BEGIN("x"); ' end=' TW_END(); }'
	compile "$1" "$2" "-I$header_dir" -fsyntax-only - <<<"$begin$end"
	! compile "$1" "$2" "-I$header_dir" -fsyntax-only - <<<"$begin$3$end" 2>/dev/null ||
		fail "it compiles"
}

# instructions OBJECT FUNCTION: the mnemonics, one a line.
instructions() {
	objdump -d --no-show-raw-insn "--disassemble=$2" "$1" |
		awk -F'\t' 'NF > 1 { split($2, word, " "); print word[1] }'
}

shape_object() {
	compile "$1" c11 -O2 -fcf-protection=none -fomit-frame-pointer "-I$header_dir" -c \
		-o "$out/shape-$1$2.o" "${@:3}" "$here/shape.c"
	echo "$out/shape-$1$2.o"
}

# case_shape COMPILER FUNCTION LEAST MOST BRANCHES: an untraced hit is moves and 1-byte nops, LEAST
# to MOST more than without the macros (fewer: the strings are not touched any more); BRANCHES
# for the NULL check of a string variable.
case_shape() {
	local with without found allowed='^(mov[a-z]*|lea|xor|nop|ret[q]?|add[lq]?|inc[lq]?)$' extra
	[ "$5" -eq 0 ] || allowed=${allowed/nop/nop|test|je|jne}
	with=$(shape_object "$1" "")
	without=$(shape_object "$1" -without -DWITHOUT_MACROS)
	found=$(instructions "$with" "$2" | awk -v allowed="$allowed" '$1 !~ allowed' | sort -u)
	same "instructions beside moves and nops" "" "$found"
	extra=$(($(instructions "$with" "$2" | wc -l) - $(instructions "$without" "$2" | wc -l)))
	if [ "$extra" -lt "$3" ] || [ "$extra" -gt "$4" ]; then
		fail "$extra instructions more, not $3 to $4"
	fi
}

case_nothing() {
	local disabled without
	disabled=$(shape_object "$1" -disabled -DTW_DISABLE)
	without=$(shape_object "$1" -without -DWITHOUT_MACROS)
	same code "$(objdump -d "$without" | sed 1,3d)" "$(objdump -d "$disabled" | sed 1,3d)"
}

run "trap header" trap_header
for compiler in gcc clang; do
	cpp=${compiler/gcc/g}
	cpp=${cpp/%g/g++}
	cpp=${cpp/%clang/clang++}
	for standard in c99 c11 gnu11 c++11 c++20; do
		driver=$compiler
		case $standard in c++*) driver=$cpp ;; esac
		for level in -O0 -O2; do
			run "$standard $driver static $level" case_linked "$driver" "$standard" static "$level"
			run "$standard $driver shared $level" case_linked "$driver" "$standard" shared "$level"
			run "$standard $driver disabled $level" case_disabled "$driver" "$standard" "$level"
			case $standard in
			c99 | c++11) run "$standard $driver traced $level" case_traced "$driver" "$standard" "$level" ;;
			esac
		done
		run "$standard $driver strict warnings" case_strict "$driver" "$standard"
	done
	for level in -O0 -O2; do
		run "scopes $cpp traced $level" case_scopes_traced "$cpp" c++11 "$level"
	done
	run "one copy of inline functions $cpp" case_comdat "$cpp"
	run "sections collected $compiler" case_sections "$compiler"
	run "intel syntax $compiler" case_intel "$compiler"
	while read -r function bounds; do
		read -ra bounds <<<"$bounds"
		run "shape $compiler $function" case_shape "$compiler" "$function" "${bounds[@]}"
	done <"$here/expected.shape"
	run "disabled is nothing $compiler" case_nothing "$compiler"
	for standard in c99 c11 c++11; do
		driver=$compiler
		case $standard in c++*) driver=$cpp ;; esac
		run "$standard $driver refuses a double" case_refused "$driver" "$standard" 'TW_DATA("k", d);'
		run "$standard $driver refuses an int *" case_refused "$driver" "$standard" 'TW_DATA("k", p);'
		run "$standard $driver refuses a bare timebox" case_refused "$driver" "$standard" \
			'TW_BEGIN("y", 500);'
	done
done
run "link-time optimisation gcc" case_lto
run "stripped" case_stripped
run "other machine c11" case_other_machine c11
run "other machine c++11" case_other_machine c++11

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
