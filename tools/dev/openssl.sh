#!/bin/sh
# openssl.sh PREFIX: an OpenSSL with ML-KEM and ML-DSA for Debian 12, without compiling it.
#
# Debian 13's packages hold static archives of position-independent code. They are linked here, against this system's C
# library, into shared libraries with the names, versions of symbols and place of certificates that Debian 12's have, so
# that whatever else the process loads (libpq, libcurl, ...) takes the same ones. apt checks the packages by the signature
# of the distribution, with a state of its own: nothing of the system's package lists is touched. The mirror is the one
# that this machine's apt is configured for, or DEBIAN_MIRROR.
set -eu
prefix=${1:?usage: openssl.sh PREFIX}
suite=trixie
cc=${CC:-cc}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources"

if ! grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release; then
  echo "this makes an OpenSSL for Debian 12; elsewhere install one of 3.5 or later that pkg-config finds" >&2
  exit 1
fi
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --no-release-info --format '$(RELEASE) $(CREATED_BY) $(REPO_URI)' |
  awk -v codename="$codename" '$1 == codename && $2 == "Packages" { print $3; exit }')}
if [ -z "$mirror" ]; then
  echo "apt knows no mirror for $codename; set DEBIAN_MIRROR to one" >&2
  exit 1
fi
cat >"$work/sources/next.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
# Fetched as whoever runs this: a folder of mktemp is closed to the user that apt would change to.
private_apt() {
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::Lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o Acquire::Languages=none -o APT::Sandbox::User= "$@"
}
private_apt update
cd "$work"
private_apt download libssl-dev libssl3t64 openssl
for package in ./*.deb; do
  dpkg-deb -x "$package" tree
done
archives=$(dirname "$(find tree -name libcrypto.a)")

# The archives were compiled against a newer C library, whose strtol has another name.
cat >shim.c <<'EOF'
#include <stdlib.h>
__attribute__((visibility("hidden"))) long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
EOF
$cc -O2 -fPIC -std=gnu11 -c shim.c

# Each symbol gets the version that the distribution's library gives it; versions inherit in ascending order.
versions_of() {
  nm -D --with-symbol-versions --defined-only "$1" | perl -ne '
    my @field = split;
    next if $field[1] eq "A";
    push @{$symbols{$2}}, $1 if $field[2] =~ /^(.+?)@@?(.+)$/;
    END {
      sub numbers { my @n = $_[0] =~ /\d+/g; sprintf "%05d%05d%05d", @n, 0, 0, 0 }
      my $before = "";
      for my $version (sort { numbers($a) cmp numbers($b) } keys %symbols) {
        print "$version { global: ", map("$_; ", @{$symbols{$version}}), ($before ? "" : "local: *; "), "} $before;\n";
        $before = $version;
      }
    }'
}
versions_of "$archives/libcrypto.so.3" >crypto.map
versions_of "$archives/libssl.so.3" >ssl.map

rm -rf "$prefix"
mkdir -p "$prefix/lib" "$prefix/bin"
link() { # link NAME MAP INPUTS...
  name=$1 map=$2
  shift 2
  $cc -shared -Wl,-Bsymbolic,-z,defs,-z,relro,-z,now -Wl,--disable-new-dtags,-rpath,'$ORIGIN' -o "$prefix/lib/lib$name.so.3" \
    -Wl,-soname,"lib$name.so.3" -Wl,--version-script="$map" "$@"
  strip --strip-unneeded "$prefix/lib/lib$name.so.3"
  # Without this name the linker would silently take the system's.
  ln -s "lib$name.so.3" "$prefix/lib/lib$name.so"
}
link crypto crypto.map -Wl,--whole-archive "$archives/libcrypto.a" -Wl,--no-whole-archive shim.o -lz -lzstd -ldl -pthread
link ssl ssl.map -Wl,--whole-archive "$archives/libssl.a" -Wl,--no-whole-archive shim.o -L"$prefix/lib" -lcrypto "$archives/libcrypto.a"
cp -r tree/usr/include "$prefix/"
for folder in "$prefix"/include/*-linux-*; do # what differs between processors
  cp "$folder"/openssl/* "$prefix/include/openssl/"
done
cp tree/usr/bin/openssl "$prefix/bin/openssl.bin"
cat >"$prefix/bin/openssl" <<'EOF'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/../lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/openssl.bin" "$@"
EOF
chmod +x "$prefix/bin/openssl"
"$prefix/bin/openssl" list -kem-algorithms | grep -q ML-KEM-768
"$prefix/bin/openssl" version | tee "$prefix/complete"
