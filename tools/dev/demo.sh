# ./dev demo: the shop's three services, each on a free port, and Parley in front of them.

demo_data=build/demo-data
demo_logs=build/logs/demo
demo_port=8080
https_offset=363  # 8443 beside 8080

verb_demo() {
  local check=
  while [[ $# -gt 0 ]]; do
    case $1 in
      --check) check=1 demo_data=build/demo-check-data ;;
      --port)
        [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ && $2 -lt $((65536 - https_offset)) ]] ||
          usage_error "--port needs a port"
        demo_port=$2
        shift
        ;;
      *) usage_error "demo takes --check and --port PORT" ;;
    esac
    shift
  done
  require_free_port "$demo_port"
  require_free_port "$((demo_port + 1))"
  require_free_port "$((demo_port + https_offset))"
  install_packages build demo
  build_targets release parley shop
  start_demo "$check"
  if [[ -n $check ]]; then check_demo; else show_demo; fi
}

# Says who has the port, where the machine can tell.
require_free_port() {
  (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0
  local who=
  if command -v ss >/dev/null; then
    who=$(ss -ltnpH "sport = :$1" | grep -o 'users:.*' | head -n 1) || true
  fi
  die "port $1 is taken${who:+ by $who}; stop that, or choose another: ./dev demo --port 9000"
}

# start_demo CHECKING: returns when the gateway is ready. A check starts from fresh data, and Parley
# writes to a log instead of the terminal.
start_demo() {
  local users catalogue orders checking=$1
  [[ -z $checking ]] || rm -rf "$demo_data"
  mkdir -p "$demo_data" "$demo_logs"
  say "starting the shop and Parley"
  start_service users
  users=$address
  start_service catalogue
  catalogue=$address
  start_service orders --users "$users" --catalogue "$catalogue"
  orders=$address
  write_demo_config
  local serve=(build/release/parley serve --config "$demo_data/parley.yaml"
    --admin "127.0.0.1:$((demo_port + 1))"
    --upstream "$users" --upstream "$catalogue" --upstream "$orders")
  if [[ -n $checking ]]; then spawn logged gateway "${serve[@]}"; else spawn "${serve[@]}"; fi
  # Before the services, so that it finishes what runs.
  stops_first=$child
  await_ready "$child"
}

# The two listeners, and a certificate for one of them that lasts a week at least.
write_demo_config() {
  local cert="$demo_data/cert.pem" key="$demo_data/key.pem"
  if ! openssl x509 -checkend $((7 * 24 * 3600)) -noout -in "$cert" >/dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
      -subj "/CN=Parley demo" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
      -keyout "$key" -out "$cert" 2>/dev/null || die "openssl made no certificate"
  fi
  cat >"$demo_data/parley.yaml" <<YAML
listeners:
  - 127.0.0.1:$demo_port
  - {address: 127.0.0.1:$((demo_port + https_offset)), tls: {cert: cert.pem, key: key.pem}}
YAML
}

# start_service NAME FLAG...: `address` is where it listens.
start_service() {
  local name=$1 log="$demo_logs/$1.log" deadline=$((SECONDS + 60))
  : >"$log"
  spawn logged "$name" build/release/demo/shop "$@" --listen 127.0.0.1:0 --data "$demo_data"
  until address=$(sed -n 's/^listening on //p' "$log") && [[ -n $address ]]; do
    kill -0 "$child" 2>/dev/null || died "the shop's $name" "$log"
    [[ $SECONDS -lt $deadline ]] || died "the shop's $name was not ready in 60 s; it" "$log"
    sleep 0.05
  done
}

# logged NAME COMMAND...: in place of this shell, all output to a file of that name.
logged() {
  exec "${@:2}" >"$demo_logs/$1.log" 2>&1
}

# await_ready ID: until the gateway, which is this child, has its contracts.
await_ready() {
  local deadline=$((SECONDS + 30)) reason
  until curl -fsS -o /dev/null "http://127.0.0.1:$((demo_port + 1))/readyz" 2>/dev/null; do
    kill -0 "$1" 2>/dev/null || died Parley "$demo_logs/gateway.log"
    if [[ $SECONDS -ge $deadline ]]; then
      reason=$(curl -sS "http://127.0.0.1:$((demo_port + 1))/readyz" 2>&1) || true
      die "Parley was not ready in 30 s: $reason"
    fi
    sleep 0.05
  done
}

# died WHAT LOG: WHAT ended without having been asked.
died() {
  [[ ! -s $2 ]] || tail -n 20 "$2" >&2
  die "$1 ended unexpectedly"
}

# The commands to try, each on a line of its own; what `--check` runs is what is printed.
demo_commands() {
  local url="http://127.0.0.1:$demo_port" secure="https://127.0.0.1:$((demo_port + https_offset))"
  local grpc="--http2-prior-knowledge -H 'content-type: application/grpc' -H 'te: trailers'"
  local call="curl -sD /dev/stderr $grpc --data-binary @- $url/shop.v1.Users/GetUser"
  cat <<COMMANDS
curl -s $url/v1/users/42
curl -s --json '{"user_id": 42, "lines": [{"product_id": 2, "quantity": 1}]}' $url/v1/orders
curl -s -X PATCH --json '{"tier": "TIER_GOLD"}' $url/v1/users/42
curl -s --json '{"user_id": 42, "lines": [{"product_id": 2, "quantity": "many"}]}' $url/v1/orders
printf '\0\0\0\0\2\10\52' | $call | tail -c +6 | protoc --decode_raw
curl -s --cacert $demo_data/cert.pem $secure/v1/users/42
COMMANDS
}

# What the answer to each must contain, in the same order (extended regular expressions).
demo_answers=(
  '"userId": ?"42"'
  '"status": ?"PLACED"'
  '"tier": ?"TIER_GOLD"'
  '"status": ?400.*quantity|quantity.*"status": ?400'
  'grpc-status: 0'
  '"userId": ?"42"'
)

demo_titles=(
  'GET a user, REST to gRPC'
  'POST an order: three services work together'
  'PATCH one field; the update mask is inferred'
  'an error, with the place of the mistake'
  'the same user over gRPC (8 bytes of request, decoded answer)'
  'and once more over TLS'
)

show_demo() {
  local at=0 command
  printf '\nready: http://127.0.0.1:%s\n\nTo try in another terminal:\n' "$demo_port"
  while read -r command; do
    printf '\n# %s\n%s\n' "${demo_titles[at]}" "$command"
    at=$((at + 1))
  done < <(demo_commands)
  printf '\nCtrl-C stops everything.\n\n'
  trap 'exit 0' INT TERM
  wait -n "${!children[@]}" || true
  die "a part of the demo ended; the services' logs are in $demo_logs"
}

check_demo() {
  local at=0 wrong=0 command answer
  printf 'ready: http://127.0.0.1:%s\n' "$demo_port"
  while read -r command; do
    printf '# %s\n%s\n' "${demo_titles[at]}" "$command"
    answer=$(timeout 20 bash -c "$command" 2>&1 </dev/null | tr -d '\0') || true
    printf '%s\n' "$answer"
    if ! tr '\r\n' '  ' <<<"$answer" | grep -qE "${demo_answers[at]}"; then
      printf 'dev: expected an answer with %s\n' "${demo_answers[at]}" >&2
      wrong=$((wrong + 1))
    fi
    at=$((at + 1))
  done < <(demo_commands)
  [[ $wrong -eq 0 ]] || { tail -n 20 "$demo_logs/gateway.log" >&2; die "$wrong of $at failed"; }
  say "all $at answered as they should"
}
