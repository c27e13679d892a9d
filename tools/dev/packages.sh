# shellcheck shell=bash
# What ./dev needs from the distribution, and how it gets it. apt verifies every download by the distribution's signature.

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config python3 libgtest-dev libbenchmark-dev libpg-query-dev libcli11-dev
  libcsv-dev libfmt-dev nlohmann-json3-dev libgmp-dev libsqlite3-dev libssl-dev prometheus-cpp-dev)
# What tools/dev/openssl.sh needs where the system's OpenSSL is too old.
RELINK_PACKAGES=(zlib1g-dev libzstd-dev binutils perl)
OPTIONAL_PACKAGES=(ccache)  # makes a second build quick; its absence hurts nobody
LONG_PACKAGES=(valgrind)
OLDEST_CLANG=19
OS_RELEASE=${PRISM_OS_RELEASE:-/etc/os-release}

say() { printf '» %s\n' "$*"; }

os_field() { (unset "$1" && source "$OS_RELEASE" 2>/dev/null && eval "echo \"\${$1:-}\""); }
os_name() { os_field PRETTY_NAME; }
is_tested_os() { [[ $(os_field ID) == debian && $(os_field VERSION_ID) == 12 ]]; }
# Where the package names above are known to exist.
is_known_os() {
  local id version
  id=$(os_field ID) version=$(os_field VERSION_ID)
  case $id in
    debian) [[ $version == 12 || $version == 13 ]] ;;
    ubuntu) [[ ${version%%.*} -ge 24 ]] ;;
    *) false ;;
  esac
}

# The clang in use: 19, which formats the code, or else the next newer one that is installed; 19 when none is.
clang_version() {
  local version
  for version in 19 20 21 22 23; do
    command -v "clang++-$version" >/dev/null && echo "$version" && return
  done
  echo "$OLDEST_CLANG"
}

packages_of() {
  case $1 in
    build)
      printf '%s\n' "${BUILD_PACKAGES[@]}"
      # Debian 12 calls its newest Boost by its version; its plain package is too old. Later distributions have newer ones.
      if is_tested_os; then echo libboost1.81-dev; else echo libboost-dev; fi
      has_new_openssl || printf '%s\n' "${RELINK_PACKAGES[@]}"
      has_duckdb || command -v npm >/dev/null || echo npm
      ;;
    clang) printf "%s-$(clang_version)%s\n" clang '' clang-format '' clang-tidy '' libclang-rt -dev ;;
    long) printf '%s\n' "${LONG_PACKAGES[@]}" ;;
  esac
}

# ML-KEM and ML-DSA came with OpenSSL 3.5.
has_new_openssl() { command -v pkg-config >/dev/null && pkg-config --atleast-version=3.5 libssl 2>/dev/null; }

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

missing_packages() {
  local package
  command -v dpkg-query >/dev/null || { packages_of "$1" && return; }
  for package in $(packages_of "$1"); do
    is_installed "$package" || echo "$package"
  done
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}
may_become_root() {
  [[ $(id -u) == 0 ]] || { command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; }
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@"
}
apt_update() { as_root apt-get update -q; }

# need_packages build|clang|long: returns when all are there, else installs them or exits 3 with what is needed.
need_packages() {
  [[ -z ${PRISM_SKIP_PACKAGES:-} ]] || return 0
  local missing
  mapfile -t missing < <(missing_packages "$1")
  ((${#missing[@]} > 0)) || return 0
  if ! is_known_os || ! command -v apt-get >/dev/null; then
    echo "Prism needs these packages (Debian names), and on $(os_name) this script does not install them:" >&2
    echo "  ${missing[*]}" >&2
    echo "When they are there under other names, run again with PRISM_SKIP_PACKAGES=1." >&2
    exit 3
  fi
  if ! may_become_root; then
    echo "These packages are missing, and installing them takes root:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 3
  fi
  is_tested_os || say "$(os_name): the package names should be right, but nobody has tested Prism here"
  say "installing ${missing[*]}"
  compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null || apt_update
  if ! apt_install "${missing[@]}"; then
    say "once more with fresh package lists"
    apt_update
    if ! apt_install "${missing[@]}"; then
      echo "apt could not install: ${missing[*]}" >&2
      exit 3
    fi
  fi
  [[ $1 != build ]] || is_installed "${OPTIONAL_PACKAGES[0]}" || apt_install "${OPTIONAL_PACKAGES[@]}" ||
    say "going on without ${OPTIONAL_PACKAGES[*]}"
}

# An OpenSSL with ML-KEM and ML-DSA: the system's, or one in build/openssl, where CMake looks first.
need_openssl() {
  has_new_openssl && return
  [[ -f build/openssl/complete ]] && return
  say "OpenSSL $(pkg-config --modversion libssl 2>/dev/null || echo 'is not there, or') is older than 3.5; making build/openssl from the next Debian's signed packages"
  mkdir -p build/logs
  if ! sh tools/dev/openssl.sh "$PWD/build/openssl" >build/logs/openssl.log 2>&1; then
    tail -20 build/logs/openssl.log >&2
    echo "An OpenSSL 3.5 or later is needed. Install one that pkg-config finds, or on Debian 12 see why tools/dev/openssl.sh failed." >&2
    exit 3
  fi
}

# DuckDB's own builds are on npm: the library in one package, the header of the same version in another.
has_duckdb() { [[ -f build/duckdb/complete ]] || { [[ -f /usr/include/duckdb.h || -f /usr/local/include/duckdb.h ]]; }; }
need_duckdb() {
  has_duckdb && return
  say "fetching DuckDB into build/duckdb"
  mkdir -p build/logs
  if ! sh tools/dev/duckdb.sh "$PWD/build/duckdb" >build/logs/duckdb.log 2>&1; then
    tail -20 build/logs/duckdb.log >&2
    echo "DuckDB is needed, from the npm registry (npm config get registry) or installed where the compiler finds duckdb.h and libduckdb." >&2
    exit 3
  fi
}
