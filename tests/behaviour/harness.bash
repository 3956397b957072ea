# Sourced by rows_test: servers with simulated VMs, one line per row, and the report.
#
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=${SLIPWAY_PROGRAMS:-$repository/build/bin}
logs=${SLIPWAY_TEST_LOGS:-$repository/build/test-logs}
vm_results=${SLIPWAY_VM_RESULTS:-}
work=
declare -A server_port=() row_state=() row_title=()
failures=0

# The two ways in which the article's own lines are typed: with an alias, and by hand.
slipway() { "$programs/slipway" "$@"; }
az() { slipway "$@"; }

# use SERVER: the commands from here on go to it.
use() { export SLIPWAY_CONFIG_DIR=$work/$1/client; }

until_true() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < deadline)) || { echo "not true in time: $*" >&2; return 1; }
    sleep 0.2
  done
}

start_server() { # NAME CONFIGURATION OPTION...: a slipwayd of its own, and a login to it
  local name=$1 configuration=$2 log
  shift 2
  mkdir -p "$work/$name"
  printf '%s\n' "$configuration" > "$work/$name/config.json"
  log=$work/$name/slipwayd.log
  setsid "$programs/slipwayd" --state "$work/$name/state" --listen "127.0.0.1:${server_port[$name]:-0}" --host memory: \
    --config "$work/$name/config.json" "$@" > "$log" 2>&1 < /dev/null &
  echo $! > "$work/$name/pid"
  until_true 60 grep -q ' ready ' "$log" || { cat "$log" >&2; return 1; }
  use "$name"
  slipway login --admin "$work/$name/state/admin.json" --output none > "$work/$name/login" 2>&1 || { cat "$work/$name/login" >&2; return 1; }
  server_port[$name]=$(jq -r '.endpoint' "$work/$name/state/admin.json" | sed 's/.*://')
}

stop_server() { # NAME
  local pid
  [[ -s $work/$1/pid ]] || return 0
  pid=$(< "$work/$1/pid")
  kill "$pid" 2> /dev/null
  until_true 30 test ! -d "/proc/$pid"
  rm -f "$work/$1/pid"
}

# The feature, in the order that the article gives.
enable_feature() {
  slipway feature register --namespace Microsoft.ContainerService --name TrustedLaunchPreview --output none 2> /dev/null
  until_true 30 feature_is Registered && slipway provider register --namespace Microsoft.ContainerService --wait --output none
}
feature_is() { [[ $(slipway feature show --namespace Microsoft.ContainerService --name TrustedLaunchPreview --query properties.state -o tsv) == "$1" ]]; }

begin() {
  mkdir -p "$logs"
  exec 4>&2 2> "$logs/rows.log"
  work=$(mktemp -d /tmp/slipway-rows.XXXXXX)
  chmod 0700 "$work"
  export HOME=$work/home
  mkdir -p "$HOME"
  unset SLIPWAY_ADMIN REQUESTS_CA_BUNDLE KUBECONFIG
  vm_test_names > "$work/vm_names"
  trap end EXIT
  start_hosted &
  hosted_start=$!
  start_server m '{}' --kubernetes memory: || exit 1
}

# A real Kubernetes needs most of a minute: it is made while the other rows run. What it learns goes into a file.
start_hosted() {
  trap - EXIT
  local kubernetes
  kubernetes=${SLIPWAY_KUBERNETES:-$(HOME=$(getent passwd "$(id -u)" | cut -d: -f6) "$repository/packaging/kubernetes/fetch")} || return 1
  [[ -x $kubernetes/kube-apiserver ]] || { echo "no kube-apiserver in '$kubernetes'" >&2; return 1; }
  start_server h '{"rules": {"profile": "preview", "trustedLaunch": {"minimumKubernetesVersion": "1.20.2"}}}' \
    --kubernetes hosted --kubernetes-binaries "$kubernetes" || return 1
  printf '%s\n' "$kubernetes" > "$work/h/kubernetes"
  enable_feature && slipway group create --name g --location local --output none && touch "$work/h/started"
}

# use_hosted: waits for it; sets $kubernetes.
use_hosted() {
  [[ -z ${hosted_start:-} ]] || wait "$hosted_start"
  hosted_start=
  [[ -f $work/h/started ]] || return 1
  kubernetes=$(< "$work/h/kubernetes")
  use h
}
kubectl() { "$kubernetes/kubectl" --kubeconfig "$work/h/kubeconfig" "$@"; }

# Whatever runs in the folder of this test or was named it: a control plane outlives the slipwayd that made it.
left_running() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(readlink "$process/cwd" 2> /dev/null) != "$work"* ]] || echo "${process#/proc/}"
  done
}

end() {
  local status=$? name left
  trap - EXIT
  [[ -z ${hosted_start:-} ]] || { kill "$hosted_start"; wait "$hosted_start"; } 2> /dev/null
  use h
  slipway aks list --query '[].name' -o tsv 2> /dev/null | while read -r name; do
    slipway aks delete -g g -n "$name" --yes > /dev/null 2>&1
  done
  for name in m h g; do
    stop_server "$name"
    [[ ! -f $work/$name/slipwayd.log ]] || cp "$work/$name/slipwayd.log" "$logs/rows-slipwayd-$name.log"
  done
  mapfile -t left < <(left_running)
  if ((${#left[@]} > 0)); then
    echo "FAIL nothing is left running after the rows: ${left[*]}"
    kill -KILL "${left[@]}"
    status=1
  fi
  rm -rf --one-file-system "$work"
  exit "$status"
}

# Every name under which tests/e2e reports: its parts run with no program in reach, and with functions that do nothing.
vm_test_names() (
  set +eu
  exec 2> /dev/null
  # shellcheck disable=SC2317 # called by what is sourced
  {
    try() { printf '%s\n' "$1"; }
    refused() { printf '%s\n' "$1"; }
    pass() { :; }
    bad() { :; }
    kill() { :; }
    until_true() { :; }
    node_of() { echo node; }
  }
  folder=$repository/tests/e2e here=$work/e2e state=$work/e2e group=e2e
  mkdir -p "$here/client"
  ln -s /bin/true "$here/tamper"
  PATH=/nonexistent
  hash -r
  unset -f slipway az kubectl
  for part in cluster nodes updates tampering; do
    # shellcheck source=/dev/null
    source "$folder/$part.bash"
  done
)

# What vm_test said of a test of that name: pass, FAIL, or nothing.
vm_said() {
  [[ -f $vm_results ]] || return 0
  awk -v name="$1" 'index($0, "pass " name) == 1 && length($0) == length(name) + 5 { print "pass"; exit }
                    index($0, "FAIL " name) == 1 { print "FAIL"; exit }' "$vm_results"
}

# What real VMs showed of all these tests together: "pass" if all passed, "FAIL" if one failed, else nothing.
vm_verdict() { # NAME...
  local name said all=pass
  (($# > 0)) || return 0
  for name in "$@"; do
    # Renamed there, it would leave the row without its proof for good, and nobody would see it.
    grep --quiet --line-regexp --fixed-strings -- "$name" "$work/vm_names" ||
      { echo "no test under tests/e2e is called '$name'" | tee /dev/fd/4 >&2; echo FAIL; return; }
    said=$(vm_said "$name")
    [[ $said != FAIL ]] || { echo FAIL; return; }
    [[ $said == pass ]] || all=
  done
  echo "$all"
}

say_row() { # STATE ROW TITLE
  row_state[$2]=$1
  row_title[$2]=$3
  [[ $1 != FAIL ]] || failures=$((failures + 1))
  printf '%s %s %s\n' "$1" "$2" "$3"
}

# Runs a check with its words in the log; a row that fails shows the end of them.
run_check() { # ROW COMMAND...
  local row=$1 status
  shift
  echo "--- $row: $*" >&2
  "$@" > "$work/check.out" 2> "$work/check.err"
  status=$?
  cat "$work/check.out" "$work/check.err" >&2
  if ((status != 0)) || [[ " ${shown[*]:-} " == *" $row "* ]]; then sed "s/^/      $row: /" "$work/check.err" | tail -n 12 >&4; fi
  return "$status"
}

# plain ROW TITLE COMMAND...: nothing to do with a VM: pass or FAIL.
plain() {
  if run_check "$1" "${@:3}"; then say_row pass "$1" "$2"; else say_row FAIL "$1" "$2"; fi
}

# simulated ROW TITLE COMMAND... [-- VM_TEST...]: shown by the in-memory host; pass where the real VMs' tests passed too.
simulated() {
  local row=$1 title=$2 verdict
  local -a command=() names=()
  shift 2
  while (($# > 0)) && [[ $1 != -- ]]; do command+=("$1"); shift; done
  (($# == 0)) || names=("${@:2}")
  verdict=$(vm_verdict ${names[@]+"${names[@]}"})
  if [[ $verdict == FAIL ]] || ! run_check "$row" "${command[@]}"; then say_row FAIL "$row" "$title"
  elif [[ $verdict == pass ]]; then say_row pass "$row" "$title"
  else say_row simulated "$row" "$title"; fi
}

# only_vm ROW TITLE VM_TEST...: nothing short of a real VM shows any of it.
only_vm() {
  local verdict
  verdict=$(vm_verdict "${@:3}")
  say_row "${verdict:-pending}" "$1" "$2${verdict:-" (needs a real VM: run tests/e2e/vm_test)"}"
  row_title[$1]=$2
}

later() { say_row pending "$1" "$2 (comes later)"; } # ROW TITLE

# Checks.

# says TEXT COMMAND...: the command succeeds and its output, standard error too, has the text.
says() {
  local text=$1 output
  shift
  output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
  [[ $output == *"$text"* ]] || { printf "'%s' is not in: %s\n" "$text" "$output" >&2; return 1; }
}

# fails STATUS TEXT COMMAND...: the command ends with that status and its standard error has the text.
fails() {
  local wanted=$1 text=$2 output status
  shift 2
  output=$("$@" 2>&1 > /dev/null)
  status=$?
  [[ $status == "$wanted" && $output == *"$text"* ]] || { printf "status %s and '%s' wanted, got %s: %s\n" "$wanted" "$text" "$status" "$output" >&2; return 1; }
}

# holds FILTER COMMAND...: jq's filter is true of the command's JSON.
holds() {
  local filter=$1 output
  shift
  output=$("$@") || return 1
  jq --exit-status "$filter" <<< "$output" > /dev/null || { printf 'not true of it: %s\n%s\n' "$filter" "$output" >&2; return 1; }
}

# all COMMAND...: each argument is a command line of this file's own; all must hold.
all() {
  local line
  for line in "$@"; do
    eval "$line" || { echo "not so: $line" >&2; return 1; }
  done
}

size_where() { jq -r "[.sizes[] | select($1)][0].name" "$repository/data/vm-sizes.json"; } # FILTER

order_of_rows() { printf '%s\n' S{1..103} Q{1..10} G{1..12}; }

report() {
  local row state
  local -A count=()
  while read -r row; do
    [[ -n ${row_state[$row]:-} ]] || say_row FAIL "$row" "no test has this number"
    state=${row_state[$row]}
    count[$state]=$((${count[$state]:-0} + 1))
  done < <(order_of_rows)
  {
    printf 'Rows of the specification, %s\n\n' "$(date -u +%Y-%m-%dT%H:%MZ)"
    printf '%-10s %-5s %s\n' state row what
    order_of_rows | while read -r row; do printf '%-10s %-5s %s\n' "${row_state[$row]}" "$row" "${row_title[$row]}"; done
    printf '\n%d pass, %d simulated, %d replayed, %d pending, %d FAIL\n' "${count[pass]:-0}" "${count[simulated]:-0}" \
      "${count[replayed]:-0}" "${count[pending]:-0}" "${count[FAIL]:-0}"
  } > "$logs/rows.txt"
  printf '\n'
  tail -n 1 "$logs/rows.txt"
  ((failures == 0))
}
