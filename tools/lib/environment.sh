# shellcheck shell=bash
# What tools/run, tools/test, tools/lint and .ci/run share: the package's folder, missing Debian packages, Swift, and the
# user who builds. To be sourced; sets `root` and offers the functions below.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Administrators' commands are not on everybody's PATH, but anybody may look whether they are there.
PATH=$PATH:/usr/sbin:/sbin

# The test suites whose figures docs/accuracy.md shows, as a pattern.
# shellcheck disable=SC2034
accuracy_suites='LiveAccuracyTests|ProcessIdentityTests|FloodTests'

say() { printf '%s\n' "$*" >&2; }

# Under sudo the build belongs to whoever called it, not to root.
owner_name() {
    if [[ $(id -u) -eq 0 && -n ${SUDO_USER:-} && ${SUDO_USER:-} != root ]]; then
        printf '%s' "$SUDO_USER"
    else
        id -un
    fi
}

as_owner() {
    local owner
    owner=$(owner_name)
    if [[ $owner == "$(id -un)" ]]; then
        "$@"
    else
        # HOME: Swift keeps its caches there. PATH: the toolchain that find_swift chose.
        runuser -u "$owner" -- env HOME="$(getent passwd "$owner" | cut -d: -f6)" PATH="$PATH" "$@"
    fi
}

# Gives back to the owner what root's runs left in folders of the build.
return_to_owner() {
    local owner folder
    owner=$(owner_name)
    [[ $owner != "$(id -un)" ]] || return 0
    for folder in "$root/.build" "$root/out"; do
        [[ ! -d $folder ]] || chown -R --no-dereference "$owner:" "$folder"
    done
}

# What tests write, and what the programs write that they start, lies in a folder of its own, so that nothing of it stays
# behind a test that crashes either. To be made after the build, which locks the package with files in the usual place.
make_tests_folder() {
    tests_folder=$(as_owner mktemp -d --tmpdir whosent-tests-XXXXXX)
    # Tests run programs as other users too, who have to get at their files.
    chmod 755 "$tests_folder"
    export TMPDIR=$tests_folder
}

remove_tests_folder() {
    [[ -z ${tests_folder:-} ]] || rm -rf --one-file-system "$tests_folder" || true
}

# The Debian packages of a group, each as "check|package": the check succeeds where the package is there.
needs_of() {
    case $1 in
    build)
        cat <<'END'
command -v pkg-config|pkg-config
pkg-config --exists libbpf|libbpf-dev
pkg-config --exists libpcap|libpcap-dev
test -e /usr/include/zlib.h|zlib1g-dev
test -e /usr/include/curses.h|libncurses-dev
command -v git|git
command -v cc|gcc
test -e /usr/include/stdlib.h|libc6-dev
command -v runuser|util-linux
END
        ;;
    lab)
        cat <<'END'
command -v ip|iproute2
command -v iptables|iptables
command -v ping|iputils-ping
command -v nft|nftables
command -v ethtool|ethtool
command -v ipvsadm|ipvsadm
command -v sysctl|procps
command -v python3|python3
END
        ;;
    test)
        cat <<'END'
command -v tcpdump|tcpdump
command -v tshark|tshark
command -v tmux|tmux
command -v setpriv|util-linux
find_python|python3-jsonschema
command -v chromium|chromium
command -v mandoc|mandoc
END
        ;;
    bench)
        cat <<'END'
command -v gcc|gcc
command -v ip|iproute2
command -v nsenter|util-linux
command -v objcopy|binutils
command -v python3|python3
command -v sysctl|procps
command -v tcpdump|tcpdump
command -v tshark|tshark
command -v valgrind|valgrind
END
        ;;
    kernels)
        cat <<'END'
command -v qemu-system-x86_64|qemu-system-x86
command -v cpio|cpio
command -v dpkg-deb|dpkg
test -x /sbin/depmod|kmod
test -x /usr/bin/python3|python3
test -e /usr/share/keyrings/debian-archive-keyring.gpg|debian-archive-keyring
command -v wg|wireguard-tools
command -v ipvsadm|ipvsadm
END
        ;;
    lint)
        cat <<'END'
command -v clang-format|clang-format
command -v shellcheck|shellcheck
command -v luacheck|lua-check
END
        ;;
    esac
}

# A Python 3 with jsonschema: Debian's own first, since a Python from elsewhere does not see Debian's packages.
find_python() {
    local candidate
    for candidate in "${WHOSENT_PYTHON:-}" /usr/bin/python3 python3; do
        if [[ -n $candidate ]] && "$candidate" -c 'import jsonschema' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# install_missing GROUP...: installs what fails its check, and says so first.
install_missing() {
    local group check package missing=()
    for group in "$@"; do
        while IFS='|' read -r check package; do
            # The checks are words of this file; they are split on purpose.
            # shellcheck disable=SC2086
            $check >/dev/null 2>&1 </dev/null || missing+=("$package")
        done < <(needs_of "$group")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    if [[ $(id -u) -ne 0 ]]; then
        say "These Debian packages are missing: ${missing[*]}"
        say "Install them with: sudo apt-get install ${missing[*]}"
        return 69
    fi
    if ! command -v apt-get >/dev/null; then
        say "These packages are missing, and there is no apt-get to install them with: ${missing[*]}"
        return 69
    fi
    say "Installing missing Debian packages: ${missing[*]}"
    # tshark asks whether other users may capture; the answer here is no, as it is by default.
    if [[ " ${missing[*]} " == *" tshark "* ]] && command -v debconf-set-selections >/dev/null; then
        echo "wireshark-common wireshark-common/install-setuid boolean false" | debconf-set-selections
    fi
    local log
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        say "apt-get could not install: ${missing[*]}"
        return 69
    fi
    rm -f "$log"
}

# Puts a Swift 6.2 or later on PATH. sudo drops the caller's PATH, so the usual places are searched too.
find_swift() {
    local home folder candidate places=()
    home=$(getent passwd "$(owner_name)" | cut -d: -f6)
    if candidate=$(command -v swift); then places+=("$(dirname "$candidate")"); fi
    if [[ $(owner_name) != "$(id -un)" ]]; then
        # The caller's own shell knows where the caller's Swift is.
        candidate=$(runuser -l "$(owner_name)" -c 'command -v swift' 2>/dev/null </dev/null | tail -n 1) || true
        [[ -z $candidate ]] || places+=("$(dirname "$candidate")")
    fi
    places+=("$home/.local/share/swiftly/bin" "$home/.swiftly/bin" "$home"/swift*/usr/bin /opt/*/usr/bin
        /usr/share/swift/usr/bin /usr/libexec/swift/bin /usr/local/swift*/usr/bin)
    for folder in "${places[@]}"; do
        [[ -x $folder/swift ]] || continue
        if as_owner "$folder/swift" --version 2>/dev/null | grep -Eq 'Swift version (6\.([2-9]|[1-9][0-9])|[7-9])'; then
            PATH="$folder:$PATH"
            export PATH
            return 0
        fi
    done
    say "No Swift 6.2 or later was found: not on PATH, not in the home folder of $(owner_name), not in /opt."
    say "Install Swift from https://www.swift.org/install/linux/ and run this again."
    return 69
}

# Whether this machine lets us attach BPF programs; prints what is missing where not.
explain_missing_privileges() {
    if [[ $(id -u) -ne 0 ]]; then
        say "Not root: watching a machine's packets needs root. Run: sudo $0"
        return 77
    fi
    if [[ ! -r /sys/kernel/btf/vmlinux ]]; then
        say "The kernel has no BTF (/sys/kernel/btf/vmlinux is missing), so BPF programs cannot be loaded."
        return 69
    fi
}
