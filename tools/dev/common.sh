# What the parts of ./dev share: messages, running things so that a signal stops them, file lists.

# Progress goes to stderr, results to stdout.
say() { printf '==> %s\n' "$*" >&2; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }
usage_error() { printf 'dev: %s\n' "$*" >&2; exit 2; }

# The processes that run beside this script: each leads a group of its own, so that what it starts
# ends with it. Whatever way the script ends, they end first.
declare -A children=()
trap stop_children EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Starts a command beside this script; `child` is its id.
spawn() {
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  children[$child]=1
}

# Runs a command that may take long. Bash takes no signal while it waits for a foreground command;
# so the command runs beside it, and a signal stops it.
run() {
  local status=0 child
  spawn "$@"
  wait "$child" || status=$?
  unset "children[$child]"
  return "$status"
}

# Stops every child, `stops_first` before the others.
stops_first=
stop_children() {
  trap '' INT TERM HUP
  [[ -z $stops_first ]] || stop_groups "$stops_first"
  stop_groups "${!children[@]}"
  children=()
}

# stop_groups ID...: asks them to end, and insists after 10 s.
stop_groups() {
  [[ $# -gt 0 ]] || return 0
  local groups=("${@/#/-}") tries
  kill -TERM -- "${groups[@]}" 2>/dev/null || true
  for ((tries = 0; tries < 200; ++tries)); do
    kill -0 -- "${groups[@]}" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL -- "${groups[@]}" 2>/dev/null || true
  wait "$@" 2>/dev/null || true
}

# Our own C++ files, separated by NUL.
cpp_files() {
  local part parts=()
  for part in src demo tests bench; do [[ ! -d $part ]] || parts+=("$part"); done
  find "${parts[@]}" -name node_modules -prune -o \
    -type f \( -name '*.cc' -o -name '*.h' \) -print0
}
