#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vmtest.sh - run a program under another Debian kernel, in QEMU without KVM,
#             and exit with that program's exit status.
#
#   vmtest.sh [options] KERNEL PROGRAM [ARG...]
#   vmtest.sh 6.1 build/threadwatch doctor
#   vmtest.sh -f build/tests -f build/workloads 6.12 sh -c 'build/tests/live && uname -r'
#
# Needs these Debian packages (nothing else beyond a minimal Debian; root not needed):
#   qemu-system-x86 busybox-static cpio          (--no-install-recommends is enough)
#   QEMU 10 or later (trixie's; on bookworm: bookworm-backports'). With bookworm's own
#   7.2 it mostly works, see 'faults' below.
#   As root, "vmtest.sh -I" installs these, on bookworm with QEMU from backports.
#
# KERNEL  a version prefix (5.10, 6.1, 6.12, 7):
#           the newest Debian kernel of that series is fetched and cached
#         or "newest": the newest kernel of trixie-backports and sid
#         or the path of a linux-image-*.deb / linux-binary-*.deb
#         or the path of a vmlinuz (bzImage)
# PROGRAM a path (copied into the guest at the same absolute path, with its shared
#         libraries) or a command of busybox in the guest (sh, ls, ...)
#
# options
#   -f PATH[:DEST]  also copy this file or directory (ELF files with their libraries)
#   -e NAME=VALUE   set a variable in the guest's environment
#   -o DIR          copy what the guest leaves in $OUT (/out) into DIR (by serial
#                   line: fine for logs, slow for more than some MiB)
#   -t SECONDS      time limit of boot and program together (default 120)
#   -c N / -m MIB   guest CPUs (default 2) / memory (default 1024)
#   -F FLAVOUR      cloud (default: smallest, fastest), amd64 or rt
#   -k 'ARGS'       extra kernel command line, e.g. 'panic_on_warn=1'
#   -l FILE         keep the kernel's console log there
#   -v              print timings to stderr
#   -n              only fetch the kernel; print its release and the path of its vmlinuz
#   -I              (alone, as root) install what this script needs
#
# exit status: PROGRAM's own (128+N if signal N killed it);
#   124 time limit; 125 this script or the fetch failed; 126 the guest died
#   before PROGRAM ended (panic, oops): its console's tail is printed to stderr
#
# refuses: modules (the image and the initramfs must do), a network in the guest, architectures
#   other than amd64
#
# environment
#   VMTEST_CACHE    cache (default ${XDG_CACHE_HOME:-~/.cache}/vmtest)
#   VMTEST_SUITES   Debian suites to search (default: chosen by the version)
#   VMTEST_MAX_AGE  days until a version prefix is looked up again (default 7)
#   VMTEST_ACCEL, VMTEST_CPU   QEMU's -accel and -cpu (default: TCG, by QEMU's version;
#                   with real KVM: VMTEST_ACCEL=kvm VMTEST_CPU=host)
#   VMTEST_MIRROR   Debian mirror (default: the one apt is configured with)
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C

die() { echo "vmtest: $*" >&2; exit 125; }
usage() { sed -n '3,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

files=() envs=() outdir='' limit=120 cpus=2 mem=1024 flavour=cloud kargs='' log='' verbose='' only='' inst=''
while getopts 'f:e:o:t:c:m:F:k:l:vnIh' o; do
	case $o in
	f) files+=("$OPTARG") ;; e) envs+=("$OPTARG") ;; o) outdir=$OPTARG ;;
	t) limit=$OPTARG ;; c) cpus=$OPTARG ;; m) mem=$OPTARG ;; F) flavour=$OPTARG ;;
	k) kargs=$OPTARG ;; l) log=$OPTARG ;; v) verbose=1 ;; n) only=1 ;;
	I) inst=1 ;; h) usage; exit 0 ;; *) usage >&2; exit 125 ;;
	esac
done
shift $((OPTIND - 1))
if [ -z "$inst" ]; then
	if [ $# -lt 1 ] || { [ $# -lt 2 ] && [ -z "$only" ]; }; then usage >&2; exit 125; fi
	kernel=$1; shift
	case $flavour in cloud | amd64 | rt) ;; *) die "unknown flavour $flavour" ;; esac
	for t in dpkg-deb apt-get qemu-system-x86_64 busybox cpio; do
		command -v $t >/dev/null || [ -n "$only" ] || die "$t is missing: run (as root) $0 -I"
	done
fi
cache=${VMTEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmtest}
mkdir -p "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/vmtest.XXXXXX")
qpid=''
trap '[ -z "$qpid" ] || kill "$qpid" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT; trap 'exit 143' TERM

# ---------------------------------------------------------------- the kernel
# release VMLINUZ: its version, from the bzImage header (offset 0x20e points to it)
release() {
	local o; o=$(od -An -tu2 -j526 -N2 "$1" | tr -d ' ')
	# shellcheck disable=SC2020 # each of NUL and space ends it
	dd if="$1" bs=1 skip=$((o + 512)) count=80 2>/dev/null | tr '\0 ' '\n\n' | sed -n 1p
}

# unpack_deb DEB DIR: DIR/vmlinuz (and DIR/config where the package has it)
unpack_deb() {
	local t=$work/deb v
	rm -rf "$t"; mkdir -p "$t" "$2"
	# only these; modules are not needed (boot/ up to 6.18, usr/lib/modules/ in 6.19+)
	dpkg-deb --fsys-tarfile "$1" |
		tar -x -C "$t" --wildcards --no-anchored 'vmlinuz*' 'config-*' 2>/dev/null || :
	v=$(find "$t" -type f -name 'vmlinuz*' -print -quit)
	[ -n "$v" ] || die "no vmlinuz in $1 (from 6.19 on it is in linux-binary-*.deb)"
	find "$t" -type f -name 'config-*' -exec cp {} "$2/config" \;
	mv "$v" "$2/vmlinuz"
	rm -rf "$t"
}

suites_for() {
	case $1 in
	5.10 | 5.10.*) echo bullseye ;;
	6.1 | 6.1.*) echo bookworm ;;
	6.12 | 6.12.*) echo trixie bookworm-backports ;;
	*) echo trixie-backports sid ;;
	esac
}

# our own apt lists, cache and status, so that nothing of the system's apt changes;
# Check-Valid-Until: a mirror that is frozen for a while is fine for test kernels
# (signatures are still checked)
apt_own() {
	local cmd=$1; shift
	"$cmd" -q -o Dir::Etc::SourceList="$apt/vmtest.sources" -o Dir::Etc::SourceParts="$apt/none" \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$apt/none" \
		-o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o Dir::Cache::archives="$apt/archives" \
		-o Acquire::Languages=none -o Acquire::Check-Valid-Until=false \
		-o APT::Sandbox::User="$(id -un)" \
		-o APT::Architecture=amd64 -o APT::Architectures::=amd64 "$@"
}

mirror() { # the mirror of Debian's main archive that apt is configured with
	[ -z "${VMTEST_MIRROR:-}" ] || { echo "$VMTEST_MIRROR"; return; }
	apt-get --print-uris update 2>/dev/null |
		awk -F"'" '!m && sub("/dists/[a-z]*(-updates|-backports)?/InRelease$", "", $2) && $2 !~ /-security$/ { m = $2 }
			END { print m }'
}

sources() { # sources FILE MIRROR SUITE...
	local f=$1 m=$2 s; shift 2
	for s; do
		printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$m" "$s" \
			/usr/share/keyrings/debian-archive-keyring.gpg
	done >"$f"
}

if [ -n "$inst" ]; then
	pkgs=(busybox-static cpio qemu-system-x86) opt=()
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC1091
	if (. /etc/os-release; [ "${VERSION_CODENAME:-}" = bookworm ]); then
		# its own list of sources, the system's stays as it is
		d=$work/apt; mkdir -p "$d/lists/partial" "$d/none"
		m=$(mirror); [ -n "$m" ] || die "apt has no source of Debian's archive (set VMTEST_MIRROR)"
		sources "$d/vmtest.sources" "$m" bookworm bookworm-backports
		opt=(-o Dir::Etc::SourceList="$d/vmtest.sources" -o Dir::Etc::SourceParts="$d/none"
			-o Dir::State::Lists="$d/lists" -o APT::Sandbox::User=root)
		pkgs+=({qemu-system-x86,qemu-system-common,qemu-system-data,seabios}/bookworm-backports)
		# QEMU needs some libbpf1: keep it from taking backports', libbpf-dev would not fit
		dpkg-query -W libbpf1 >/dev/null 2>&1 || pkgs+=(libbpf1/bookworm)
	fi
	apt-get -q "${opt[@]}" update || exit 125
	apt-get -q -y "${opt[@]}" -o DPkg::Lock::Timeout=120 install --no-install-recommends "${pkgs[@]}" || exit 125
	exit 0
fi

fetch() { # fetch VERSION: leaves it in $cache/$flavour-VERSION
	local ver=$1 ptr="$cache/$flavour-$1" re pkg mir suites
	if [ -e "$ptr/vmlinuz" ] && [ -n "$(find "$ptr.stamp" -mtime "-${VMTEST_MAX_AGE:-7}" 2>/dev/null)" ]; then
		return
	fi
	suites=${VMTEST_SUITES:-$(suites_for "$ver")}
	apt="$cache/apt-$(echo "$suites" | tr ' ' '_')"
	mkdir -p "$apt/lists/partial" "$apt/cache" "$apt/archives/partial" "$apt/none"
	: >"$apt/status"
	mir=$(mirror); [ -n "$mir" ] || die "apt has no source of Debian's archive (set VMTEST_MIRROR)"
	# shellcheck disable=SC2086
	sources "$apt/vmtest.sources" "$mir" $suites
	apt_own apt-get update >"$apt/log" 2>&1 || {
		[ -e "$ptr/vmlinuz" ] && { echo "vmtest: lists not updated, using the cached kernel" >&2; return; }
		cat "$apt/log" >&2; die "cannot read $suites from the mirror"; }
	case $ver in newest) re='[0-9]' ;; *) re=$(printf %s "$ver" | sed 's/[.+]/\\&/g') ;; esac
	re="^linux-(image|binary)-$re([.+-].*)?-amd64\$"
	pkg=$(apt_own apt-cache search --names-only "$re" | cut -d' ' -f1 |
		case $flavour in
		amd64) grep -Ev -- '-(cloud|rt)-amd64$' ;;
		*) grep -E -- "-$flavour-amd64\$" ;;
		esac | sed -E 's/^linux-(image|binary)-/& /; s/^(\S+) (\S+)$/\2 \1\2/' | sort -V | tail -n1 | cut -d' ' -f2) || :
	if [ -z "$pkg" ]; then
		[ -e "$ptr/vmlinuz" ] || die "no $flavour kernel $ver in: $suites"
		echo "vmtest: $ver has left the archive, using the cached kernel" >&2; return
	fi
	# 6.19+: linux-image-* is a shell; the kernel is in linux-binary-*
	if [ "$pkg" != "${pkg/linux-image/}" ] &&
		apt_own apt-cache search --names-only "^${pkg//+/\\+}\$" >/dev/null &&
		[ -n "$(apt_own apt-cache show "${pkg/image/binary}" 2>/dev/null)" ]; then pkg=${pkg/image/binary}; fi
	(cd "$apt/archives" && rm -f ./*.deb && apt_own apt-get download "$pkg" >>"$apt/log" 2>&1) ||
		{ cat "$apt/log" >&2; die "cannot download $pkg"; }
	rm -rf "$ptr.new"
	unpack_deb "$(ls "$apt"/archives/*.deb)" "$ptr.new"
	rm -rf "$ptr" "$apt"/archives/*.deb; mv "$ptr.new" "$ptr"; touch "$ptr.stamp"
}

case $kernel in
*.deb) [ -e "$kernel" ] || die "no file $kernel"; kdir=$work/kernel; unpack_deb "$kernel" "$kdir" ;;
*) if [ -f "$kernel" ]; then
	kdir=$work/kernel; mkdir "$kdir"; cp "$kernel" "$kdir/vmlinuz"
	else
		case $kernel in newest | [0-9]*) ;; *) die "no file and no version: $kernel" ;; esac
		# a subshell, so that the lock ends with it on every way out
		(flock 9; fetch "$kernel") 9>"$cache/lock"
		kdir=$cache/$flavour-$kernel
	fi ;;
esac
case $only$kdir in 1"$work"*) die "-n is for versions" ;; esac
if [ -n "$only" ]; then echo "$(release "$kdir/vmlinuz") $kdir/vmlinuz"; exit 0; fi

# ------------------------------------------------------------- the initramfs
t0=$(date +%s%N)
rel=$(release "$kdir/vmlinuz")
root=$work/root
mkdir -p "$root"/{usr/{bin,sbin,lib,lib64},proc,sys,dev,tmp,run,etc,root,out,boot,var/tmp}
for d in bin sbin lib lib64; do ln -s usr/$d "$root/$d"; done
chmod 1777 "$root/tmp" "$root/var/tmp"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
[ ! -e "$kdir/config" ] || cp "$kdir/config" "$root/boot/config-$rel" # libbpf's __kconfig
cp "$(command -v busybox)" "$root/usr/bin/busybox"
"$root/usr/bin/busybox" true 2>/dev/null || die "busybox does not run"

libraries() { # libraries ELF: what it loads, as ldd prints it
	local musl
	# glibc's ldd does not know musl's loader, which lists by itself
	musl=$(head -c4096 "$1" | tr '\0' '\n' | sed -n '/^\/lib\/ld-musl-/{p;q}')
	if [ -n "$musl" ]; then "$musl" --list "$1"; else ldd "$1"; fi 2>&1
}

put() { # put SRC DEST: one file with what it needs
	local dest=$root$2 lib libs first
	[ -e "$dest" ] && return
	mkdir -p "$(dirname "$dest")"
	cp -L --preserve=mode "$1" "$dest"
	case $(head -c4 "$1" | tr -d '\0') in
	$'\x7fELF')
		libs=$(libraries "$1") || :
		case $libs in *'not found'*) echo "$libs" >&2; die "$1: a library is missing" ;; esac
		# lines are "x => /path (0x..)" or "/lib64/ld... (0x..)"
		while read -r lib; do put "$lib" "$lib"; done < <(sed -nE \
			's/^(.*[[:space:]])?(\/[^[:space:]]+) \(0x[0-9a-f]+\)$/\2/p' <<<"$libs") ;;
	'#!'*)
		first=$(head -n1 "$1" | sed 's/^#! *//; s/ .*//')
		[ ! -x "$first" ] || [ "$(basename "$first")" = sh ] || put "$first" "$first" ;;
	esac
}
put_tree() { # put_tree SRC DEST
	local f
	if [ -d "$1" ]; then
		mkdir -p "$root$2"
		while IFS= read -r -d '' f; do
			if [ -d "$1/$f" ]; then mkdir -p "$root$2/$f"; elif [ -e "$1/$f" ]; then put "$1/$f" "$2/$f"; fi
		done < <(cd "$1" && find . -mindepth 1 -print0)
	elif [ -e "$1" ]; then put "$1" "$2"
	else die "no file $1"; fi
}
abspath() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac | sed -E 's#/(\./)+#/#g; s#//+#/#g'; }

for f in ${files[@]+"${files[@]}"}; do
	case $f in *:*) put_tree "${f%%:*}" "${f#*:}" ;; *) put_tree "$f" "$(abspath "$f")" ;; esac
done
prog=$1; shift
case $prog in
*/*) [ -f "$prog" ] || die "no program $prog"; put "$prog" "$(abspath "$prog")"; prog=$(abspath "$prog") ;;
*) case " $(busybox --list | tr '\n' ' ') " in *" $prog "*) ;; *)
	p=$(type -P "$prog") || die "no command $prog"
	put "$p" "$p"; prog=$p ;;
	esac ;;
esac
# glibc opens this at run time (pthread_exit, pthread_cancel, backtrace): ldd does not show it
g=$(ldconfig -p 2>/dev/null | awk '/libgcc_s\.so\.1 \(libc6,x86-64\)/ && !g { g = $NF } END { print g }') || :
[ -z "$g" ] || put "$g" "$g"

mkdir -p "$root$PWD"
{
	printf 'cd %q 2>/dev/null || cd /\n' "$PWD"
	for v in ${envs[@]+"${envs[@]}"}; do printf 'export %q\n' "$v"; done
	printf 'exec'; printf ' %q' "$prog" "$@"; echo
} >"$root/vmtest-run"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
# ttyS0 kernel console, ttyS1 the program's output, ttyS2 result, ttyS3 $OUT as tar
b=/bin/busybox
$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys
exec </dev/null >/dev/ttyS0 2>&1
# raw: else the line discipline turns \n into \r\n; kept open: else the setting is lost
exec 4>/dev/ttyS1 5>/dev/ttyS2 6>/dev/ttyS3
for n in 1 2 3; do $b stty -F /dev/ttyS$n raw -echo; done
read up x </proc/uptime; echo "up $up" >&5
$b --install -s 2>/dev/null
export PATH=/usr/sbin:/usr/bin HOME=/root TERM=dumb OUT=/out VMTEST=1
mount -t tracefs t /sys/kernel/tracing; mount -t debugfs d /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf; mount -t cgroup2 cg /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm; mount -t devpts p /dev/pts; mount -t tmpfs s /dev/shm
ln -s /proc/self/fd /dev/fd
ip link set lo up; hostname vmtest; ulimit -c 0
sh /vmtest-run >&4 2>&4 4>&- 5>&- 6>&-
rc=$?
[ ! -e /vmtest-out ] || { cd /out; tar -c . >&6; }
read up x </proc/uptime; echo "up2 $up" >&5; echo "rc $rc" >&5
for n in 1 3 2; do timeout 20 stty -F /dev/ttyS$n raw; done  # tcdrain
poweroff -f
INIT
chmod 755 "$root/init" "$root/vmtest-run"
[ -z "$outdir" ] || : >"$root/vmtest-out"
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initrd"
t1=$(date +%s%N)

# ----------------------------------------------------------------- the guest
# -accel tcg by name: where /dev/kvm opens but cannot run ordinary guests, -accel
# kvm:tcg does not fall back, it hangs. -M pc boots faster than q35 and, unlike
# microvm, powers off.
# faults: QEMU 7.2 has two that panic a guest now and then, most of all while it boots;
# 10.0 showed neither in 220 boots.
# - After cmpxchg16b EFLAGS can hold garbage (panics 29 % of boots of one 6.12 kernel):
#   mask CX16, but not from 6.18 on, where BPF's task storage needs it (every
#   bpf_task_storage_get() is NULL without).
# - With a host thread per guest CPU, patching static keys can end in a stray int3
#   (1 %): one thread for all.
accel=tcg,thread=multi cpu=max
qver=$(qemu-system-x86_64 --version | sed -n 's/.*emulator version \([0-9]*\).*/\1/p')
if [ "${qver:-0}" -lt 10 ]; then
	accel=tcg,thread=single
	[ "$(printf '%s\n' 6.18 "$rel" | sort -V | sed -n 1p)" = 6.18 ] || cpu=max,-cx16
fi
append="console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr"
append+=" tsc=reliable random.trust_cpu=on 8250.nr_uarts=4 $kargs"
console=${log:-$work/console}
for try in 1 2 3; do
	rm -f "$work/result"
	timeout -k 5 "$limit" nice -n "${VMTEST_NICE:-5}" qemu-system-x86_64 \
		-accel "${VMTEST_ACCEL:-$accel}" -cpu "${VMTEST_CPU:-$cpu}" -M pc \
		-smp "$cpus" -m "$mem" -nodefaults -no-user-config -display none -no-reboot \
		-kernel "$kdir/vmlinuz" -initrd "$work/initrd" -append "$append" \
		-serial "file:$console" -serial stdio -serial "file:$work/result" -serial "file:$work/out.tar" \
		</dev/null 2>"$work/qemu.err" &
	qpid=$!
	qrc=0; wait "$qpid" || qrc=$?
	qpid=''
	# died before init ran, so before PROGRAM began: QEMU's fault more likely than ours
	if [ -s "$work/result" ] || [ "$qrc" != 0 ] || [ "$try" = 3 ]; then break; fi
	echo "vmtest: the guest died while booting ($(sed -n 's/.*RIP: 0010:/at /p' "$console" | tail -n1)), trying again" >&2
done
t2=$(date +%s%N)

rc=$(sed -n 's/^rc //p' "$work/result" 2>/dev/null | tail -n1)
if [ -n "$verbose" ]; then
	up=$(sed -n 's/^up //p' "$work/result"); up2=$(sed -n 's/^up2 //p' "$work/result")
	awk -v a="$t0" -v b="$t1" -v c="$t2" -v u="${up:-nan}" -v w="${up2:-nan}" -v k="$rel" -v s="$(stat -c %s "$work/initrd")" 'BEGIN {
		printf "vmtest: %s initramfs %.2fs (%.1f MiB), kernel start to init %.2fs, init to end %.2fs, QEMU in all %.2fs\n",
		k, (b-a)/1e9, s/1048576, u, w-u, (c-b)/1e9 }' >&2
fi
if [ -n "$outdir" ] && [ -s "$work/out.tar" ]; then
	mkdir -p "$outdir"; tar -x --no-same-owner -C "$outdir" -f "$work/out.tar" || echo "vmtest: \$OUT came back damaged" >&2
fi
[ -z "$rc" ] || exit "$rc"
cat "$work/qemu.err" >&2
tail -n 40 "$console" >&2 || :
case $qrc in 124 | 137) echo "vmtest: time limit of ${limit}s" >&2; exit 124 ;; esac
echo "vmtest: the guest ended before the program did" >&2
exit 126
