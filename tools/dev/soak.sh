# ./dev soak: the long versions of what ./dev test runs at a size that fits CI.
#
#   fuzz      each fuzz target searches for SOAK_SECONDS, and sees the libraries that it reaches
#   slow      each kind of slow clients stays for SOAK_SECONDS
#   floods    each flood of HTTP/2 frames goes on for SOAK_SECONDS
#   tls       everything that testssl.sh can look at
#   memory    1,000 connections with 100 slow streams each, and 10,000 that are idle
#   life      SOAK_SECONDS reloads, and a tenth as many upgrades of the binary, under load
#   roundtrip SOAK_MESSAGES generated messages: wire to JSON to wire, judged by protobuf
#   simulate  SOAK_SEEDS seeds of the simulation, from SOAK_FIRST_SEED on, on all cores

soak_seconds=${SOAK_SECONDS:-600}
soak_seeds=${SOAK_SEEDS:-100000}
soak_first_seed=${SOAK_FIRST_SEED:-1}
soak_messages=${SOAK_MESSAGES:-1000000}
soak_kinds=(fuzz slow floods tls memory life roundtrip simulate)

verb_soak() {
  local name failed=() chosen=("${@:-${soak_kinds[@]}}")
  for name in "${chosen[@]}"; do
    [[ " ${soak_kinds[*]} " == *" $name "* ]] ||
      usage_error "nothing to soak by the name '$name'; there are: ${soak_kinds[*]}"
  done
  install_packages build test demo e2e
  mkdir -p build/logs
  for name in "${chosen[@]}"; do
    say "soak: $name"
    "soak_$name" || failed+=("$name")
  done
  [[ ${#failed[@]} -eq 0 ]] || die "failed: ${failed[*]}"
}

soak_fuzz() {
  local source target status=0
  local -a sources
  mapfile -t sources < <(find src -name '*_fuzz.cc' | sort)
  local targets=("${sources[@]##*/}")
  build_targets fuzz "${targets[@]%.cc}" || return 1
  for source in "${sources[@]}"; do
    target=${source%.cc}
    FUZZ_RUNS=-1 FUZZ_SECONDS=$soak_seconds run tools/fuzz-smoke "build/fuzz/$target" \
      "${target%/*}/testdata/${target##*/}" || status=1
  done
  return "$status"
}

soak_slow() {
  build_targets release parley shop &&
    PARLEY_SLOW_SECONDS=$soak_seconds run python3 tests/e2e/slow_clients_test.py
}

soak_floods() {
  build_targets release parley shop &&
    PARLEY_FLOOD_SECONDS=$soak_seconds run python3 tests/e2e/floods_test.py
}

soak_tls() {
  build_targets release parley shop && PARLEY_SOAK=1 run python3 tests/e2e/testssl_test.py
}

soak_memory() {
  build_targets release parley &&
    PARLEY_MEMORY_CONNECTIONS=1000 PARLEY_IDLE_CONNECTIONS=10000 \
      run python3 tests/e2e/memory_test.py
}

soak_life() {
  local test status=0
  build_targets release parley shop || return 1
  for test in reload upgrade; do
    PARLEY_RELOADS=$soak_seconds PARLEY_SWAPS=$((soak_seconds / 10)) \
      run python3 "tests/e2e/${test}_test.py" UnderLoad || status=1
  done
  return "$status"
}

# 50 messages a seed, up to 1 MiB each; 20 seeds a process.
soak_roundtrip() {
  build_targets release roundtrip || return 1
  seq "$soak_first_seed" 20 "$((soak_first_seed + soak_messages / 50 - 1))" |
    awk '{ print "--seeds"; print $1 ".." $1 + 19 }' |
    xargs -n 2 -P "$(nproc)" build/release/tests/roundtrip/roundtrip >build/logs/roundtrip.log ||
    { grep -v '; 0 failed$' build/logs/roundtrip.log | head -n 100; return 1; }
  awk '{ messages += $1; megabytes += $(NF - 3) }
    END { print messages " messages, " megabytes " MB: all came back" }' build/logs/roundtrip.log
}

# A process for every thousand: what leaks in one is known when it ends.
soak_simulate() {
  build_targets check simulation || return 1
  seq "$soak_first_seed" 1000 "$((soak_first_seed + soak_seeds - 1))" |
    awk '{ print "--seeds"; print $1 ".." $1 + 999 }' |
    xargs -n 2 -P "$(nproc)" build/check/tests/simulation/simulation
}
