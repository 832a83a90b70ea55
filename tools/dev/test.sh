# ./dev test: every stage adds its test cases to one tally, and a failing stage stops no other.
#
#   tidy, format           one case each
#   tools                  the tests of tools/ themselves (Python)
#   unit                   every gtest case and fuzz smoke run, under ASan and UBSan (`check`)
#   shards                 the gtest cases of the folders where threads meet, under TSan (`tsan`)
#   e2e                    tests/: the optimised gateway in front of the running demo (Python)
#   bench                  the tests of the benchmarks' own code (Python)

passed=0
failed=0
failed_stages=()

# The folders in which threads meet: what runs on one shard only has nothing to show to TSan.
shard_folders=(observe loop net wire store gateway)

quick_stages=(tidy format tools unit)
all_stages=("${quick_stages[@]}" shards e2e bench)

verb_test() {
  local name chosen=("$@")
  [[ $# -gt 0 ]] || chosen=("${all_stages[@]}")
  [[ ${1:-} != --quick ]] || chosen=("${quick_stages[@]}" "${@:2}")
  for name in "${chosen[@]}"; do
    [[ " ${all_stages[*]} " == *" $name "* ]] ||
      usage_error "no tests '$name'; there are: --quick ${all_stages[*]}"
  done
  install_packages build test
  mkdir -p build/logs
  for name in "${chosen[@]}"; do stage "$name"; done
  report
}

# stage NAME: a stage that breaks off without a count is one failure.
stage() {
  local name=$1 started=$SECONDS before=$failed
  say "test: $name"
  "stage_$name" || [[ $failed -gt $before ]] || count 0 1
  [[ $failed -eq $before ]] || failed_stages+=("$name")
  say "test: $name took $((SECONDS - started)) s"
}

count() {
  passed=$((passed + $1))
  failed=$((failed + $2))
}

report() {
  [[ $failed -eq 0 ]] || printf 'failed in: %s\n' "${failed_stages[*]}"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [[ $failed -eq 0 && $passed -gt 0 ]]
}

stage_tidy() { test_one tools/tidy; }
stage_format() { test_one check_format; }
stage_tools() { test_python tools; }
stage_bench() { install_packages bench && test_python bench; }

# A check that is one test case by itself.
test_one() {
  if run "$@"; then count 1 0; else count 0 1; fi
}

check_format() {
  cpp_files | xargs -0 -r clang-format-19 --dry-run -Werror ||
    { echo "format: run ./dev format"; return 1; }
}

stage_unit() {
  build_targets check all && run_ctest check
}

stage_shards() {
  local folder targets=()
  for folder in "${shard_folders[@]}"; do
    [[ -z $(find "src/$folder" -name '*_test.cc' -print -quit) ]] || targets+=("${folder}_test")
  done
  [[ ${#targets[@]} -gt 0 ]] || return 0
  local IFS='|'
  local pattern="^(${targets[*]%_test})[.]"
  unset IFS
  build_targets tsan "${targets[@]}" && run_ctest tsan -R "$pattern"
}

# run_ctest PRESET ARGUMENT...: counts every case; a case that ctest could not run has failed.
run_ctest() {
  local results="$PWD/build/logs/ctest-$1.xml" log="build/logs/ctest-$1.log" status=0 all good
  rm -f "$results"
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
  UBSAN_OPTIONS=print_stacktrace=1 \
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
  ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19 \
    run ctest --test-dir "build/$1" "${@:2}" -j "$(nproc)" --output-on-failure --progress \
    --no-tests=error --output-junit "$results" >"$log" 2>&1 || status=$?
  if [[ ! -f $results ]]; then tail -n 30 "$log"; return 1; fi
  all=$(grep -c '<testcase ' "$results" || true)
  good=$(grep -c '<testcase .* status="run"' "$results" || true)
  count "$good" $((all - good))
  [[ $status -eq 0 ]] && return
  sed -n '/^Test project/,$p' "$log"
  return 1
}

# The optimised gateway and the demo, driven from outside.
stage_e2e() {
  install_packages demo bench e2e
  install_go_tools && install_grpcio && install_conformance &&
    build_targets release parley shop bench_strict_upstream wire_conformance &&
    test_python tests
}

# test_python FOLDER: every *_test.py beneath it; each test method is a case.
test_python() {
  local counts="build/logs/python-$1.count" status=0 good bad
  rm -f "$counts"
  run python3 tools/dev/run_python_tests.py "$1" "$counts" || status=$?
  [[ -f $counts ]] || return 1
  read -r good bad <"$counts"
  count "$good" "$bad"
  return "$status"
}
