# Sourced by the tests of this folder: a slipwayd with simulated nodes, and one line of result per test on standard
# output ("pass NAME", "FAIL NAME: why", "skip NAME: why"). Everything else goes to standard error.
#
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=${SLIPWAY_PROGRAMS:-$repository/build/bin}
work=
state=
endpoint=
slipwayd_pid=
output=
complaint=
beside_pids=()

pass() { printf 'pass %s\n' "$1"; }
bad() { local line=${1//$'\n'/ }; printf 'FAIL %s\n' "${line:0:900}"; }
skip() { printf 'skip %s\n' "$1"; }

# keep COMMAND...: runs it; $output and $complaint hold what it said, and its status is kept.
keep() {
  local status=0 before=$SECONDS said=$work/complaint.$BASHPID
  printf '+ %s\n' "$*" >&2
  output=$("$@" 2> "$said") || status=$?
  complaint=$(< "$said")
  rm -f "$said"
  printf '%s\n%s\n(status %d, took %d s, after %d s)\n' "${output:0:4000}" "${complaint:0:4000}" "$status" $((SECONDS - before)) "$SECONDS" >&2
  return "$status"
}

# works NAME JQ COMMAND...: it must succeed, and what it prints must fulfil the jq expression ("-": whatever it prints).
works() {
  local name=$1 expression=$2 status=0
  shift 2
  keep "$@" || status=$?
  if ((status != 0)); then bad "$name: status $status: ${complaint:0:400}"; return 0; fi
  if [[ $expression != - ]] && ! jq --exit-status "$expression" <<< "$output" > /dev/null 2>&1; then
    bad "$name: what it printed does not fulfil $expression: ${output:0:600}"
    return 0
  fi
  pass "$name"
}

# refused NAME STATUS PATTERN COMMAND...: it must end with this status, and its complaint must match the pattern.
refused() {
  local name=$1 expected=$2 pattern=$3 status=0
  shift 3
  keep "$@" || status=$?
  if ((status != expected)); then
    bad "$name: status $status instead of $expected: ${complaint:0:400}"
  elif ! grep -qE -- "$pattern" <<< "$complaint"; then
    bad "$name: its complaint does not match '$pattern': ${complaint:0:600}"
  else
    pass "$name"
  fi
}

# beside TEST...: runs a test that nothing before the next `settle` depends on beside others, two at a time: a client's
# start is most of what it costs, and it starts on one processor. Its log comes in one piece when it has ended.
beside() {
  ((${#beside_pids[@]} < 2)) || settle_one
  {
    local status=0 log=$work/log.$BASHPID
    "$@" 2> "$log" || status=$?
    cat "$log" >&2
    rm -f "$log"
    exit "$status"
  } &
  beside_pids+=($!)
}
settle_one() { # waits until one of them has ended
  local index status=0
  while true; do
    for index in "${!beside_pids[@]}"; do
      kill -0 "${beside_pids[index]}" 2> /dev/null && continue
      wait "${beside_pids[index]}" || status=$?
      ((status == 0)) || bad "a test that ran beside others ended with status $status"
      unset "beside_pids[index]"
      return 0
    done
    sleep 0.1
  done
}
settle() { while ((${#beside_pids[@]} > 0)); do settle_one; done; }

# until_true SECONDS COMMAND...: asks again until the command succeeds; fails after that many seconds.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < deadline)) || { echo "not true in time: $*" >&2; return 1; }
    sleep 0.2
  done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
admin() { jq --raw-output ".$1" "$state/admin.json"; }

# A slipwayd without VMs and without Kubernetes; its state is $state, its address $endpoint.
start_slipwayd() { # [OPTION...]
  state=${state:-$work/state}
  endpoint=${endpoint:-https://127.0.0.1:$(free_port)}
  local kubernetes_option=(--kubernetes memory:)
  [[ " $* " != *" --kubernetes "* ]] || kubernetes_option=()
  setsid "$programs/slipwayd" --state "$state" --listen "${endpoint#https://}" --host memory: \
    "${kubernetes_option[@]}" "$@" >> "$work/slipwayd.log" 2>&1 < /dev/null &
  slipwayd_pid=$!
  until_true 60 test -s "$state/admin.json" &&
    until_true 60 curl --silent --fail --cacert "$state/ca.pem" "$endpoint/metadata/endpoints?api-version=2022-09-01" ||
    { tail -n 20 "$work/slipwayd.log" >&2; bad "slipwayd starts"; return 1; }
}

stop_slipwayd() {
  [[ -n $slipwayd_pid ]] || return 0
  kill "$slipwayd_pid" 2> /dev/null || true
  wait "$slipwayd_pid" 2> /dev/null || true
  slipwayd_pid=
}

# Makes $work, and removes it with slipwayd at the end, whatever happened.
begin() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/slipway-clients.XXXXXX")
  trap end EXIT
  trap 'exit 143' TERM INT
}

end() {
  local status=$?
  trap - EXIT
  set +e
  [[ -z $slipwayd_pid ]] || before_stop
  stop_slipwayd
  if [[ -n ${SLIPWAY_TEST_LOGS:-} ]]; then cp "$work/slipwayd.log" "$SLIPWAY_TEST_LOGS/$(basename "$0")-slipwayd.log"; fi
  leave 2> /dev/null
  rm -rf --one-file-system "$work"
  exit "$status"
}
# What a test does before slipwayd stops, and after it has stopped.
before_stop() { :; }
leave() { :; }
