# Building. Each preset has its own folder: build/release, build/check, build/tsan.

# build_targets PRESET TARGET...: configures the preset (quick when nothing changed) and builds.
build_targets() {
  local preset=$1 log="build/logs/cmake-$1.log" flags=()
  shift
  [[ " $* " != *" shop "* ]] || flags+=(-DPARLEY_DEMO=ON)
  mkdir -p build/logs
  say "building $preset: $*"
  if ! run cmake --preset "$preset" "${flags[@]}" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    say "cmake failed; its whole output: $log"
    return 1
  fi
  NINJA_STATUS='[%f/%t, %e s] ' run ninja -C "build/$preset" -j "$(nproc)" "$@" >&2
}
