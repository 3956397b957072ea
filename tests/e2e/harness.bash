# Sourced by the tests of this folder: a slipwayd of its own with real VMs, and one line of result per test on standard
# output ("pass NAME", "FAIL NAME: why", "skip NAME: why"). Everything else goes to standard error, which ./test keeps.
#
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$repository/build/bin
export SLIPWAY_CACHE=${SLIPWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway}
state=
slipwayd_pid=
kubernetes=
manifest=
good_image=
group=e2e

pass() { printf 'pass %s\n' "$1"; }
bad() { printf 'FAIL %s\n' "$1"; }

# try NAME COMMAND...: the command must succeed; its output is kept.
try() {
  local name=$1
  shift
  echo "--- [$SECONDS s] $name" >&2
  if "$@" >&2; then pass "$name"; else bad "$name: '$*' ended with status $?"; fi
}

# refused NAME WORDS COMMAND...: the command must fail, and its output must have WORDS (an extended regular expression):
# a command that cannot even be run is no refusal.
refused() {
  local name=$1 words=$2 output
  shift 2
  echo "--- [$SECONDS s] $name (must be refused: $words)" >&2
  if output=$("$@" 2>&1); then
    bad "$name: '$*' was let through"
  elif grep --quiet --extended-regexp -- "$words" <<< "$output"; then
    pass "$name"
  else
    bad "$name: '$*' failed, but not with '$words'"
  fi
  echo "$output" >&2
}

# until_true SECONDS COMMAND...: asks again each second until the command succeeds; fails after that many seconds.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < deadline)) || { echo "not true in time: $*" >&2; return 1; }
    sleep 1
  done
}

slipway() { SLIPWAY_CONFIG_DIR=$state/client "$programs/slipway" "$@"; }
kubectl() { "$kubernetes/kubectl" --kubeconfig "$state/client/$1.kubeconfig" "${@:2}"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_slipwayd() {
  setsid "$programs/slipwayd" --state "$state" --listen "127.0.0.1:$port" --config "$state/config.json" \
    --kubernetes-binaries "$kubernetes" --cache "$SLIPWAY_CACHE/calibrations" --images "$state/images" \
    --boot-patience 600 --evidence-interval 120 >> "$state/slipwayd.log" 2>&1 < /dev/null &
  slipwayd_pid=$!
  until_true 60 test -s "$state/admin.json"
  until_true 60 curl --silent --fail --cacert "$state/ca.pem" "https://127.0.0.1:$port/metadata/endpoints?api-version=2022-09-01" ||
    { tail -n 20 "$state/slipwayd.log" >&2; return 1; }
}

# shellcheck disable=SC2120 # the tests give the signal
stop_slipwayd() { # [SIGNAL]
  kill "-${1:-TERM}" "$slipwayd_pid" 2>/dev/null || true
  until_true 30 test ! -d "/proc/$slipwayd_pid"
}

# Nodes made from now on boot this image; those that are there keep theirs.
use_image() { # QCOW2
  cp "$1" "$state/images/new"
  mv "$state/images/new" "$state/images/$(basename "$good_image")"
}

# A state folder, a slipwayd, the feature registered and a resource group: what every walk starts with.
begin() {
  kubernetes=$("$repository/packaging/kubernetes/fetch")
  mkdir -p /var/lib/slipway
  state=$(mktemp -d /var/lib/slipway/e2e.XXXXXX)
  chmod 0700 "$state"
  install -d -m 0700 "$state/client" "$state/images"
  manifest=$(find "$SLIPWAY_CACHE/images" -name 'SlipwayDebian-*TL*.manifest.json' | sort | tail -n 1)
  good_image=${manifest%.manifest.json}.qcow2
  cp "${manifest%.manifest.json}".*.json "$state/images/"
  use_image "$good_image"
  port=$(free_port)
  echo '{"rules": {"profile": "preview", "trustedLaunch": {"minimumKubernetesVersion": "1.20.2"}}}' > "$state/config.json"
  host_things > "$state/client/host-before"
  trap end EXIT
  start_slipwayd || { bad "slipwayd starts"; exit 1; }
  slipway login --admin "$state/admin.json" >&2
  slipway feature register --namespace Microsoft.ContainerService --name TrustedLaunchPreview >&2
  until_true 60 sh -c "SLIPWAY_CONFIG_DIR='$state/client' '$programs/slipway' feature show --namespace Microsoft.ContainerService --name TrustedLaunchPreview | grep -q '\"Registered\"'"
  slipway provider register --namespace Microsoft.ContainerService >&2
  slipway group create --name "$group" --location local >&2
}

# What Slipway makes on a host outside of its state folder, a line each: VMs, networks, bridges, tables of the firewall,
# folders of disks and of TPMs. Those of other installations are in it too.
host_things() {
  { virsh list --all --name | sed -n 's/./domain &/p'
    virsh net-list --all --name | sed -n 's/^slipway-/network &/p'
    ip -o link show | sed -n 's/^[0-9]*: \(slpw-[^:@]*\).*/bridge \1/p'
    nft list tables | sed -n '/ slipway_/p'
    pgrep --full '^slipway-supervisor ' | sed 's/^/supervisor /'
    find /var/lib/libvirt/slipway /var/lib/libvirt/swtpm -mindepth 1 -maxdepth 2; } 2> /dev/null | sort
}

# Removes all that the test made, whatever happened, and says so if something stays.
end() {
  local status=$?
  trap - EXIT
  set +e
  if [[ -n ${SLIPWAY_E2E_KEEP:-} ]]; then echo "kept: $state" >&2; exit $status; fi
  if [[ -n $state && -d $state ]]; then
    [[ -d /proc/$slipwayd_pid ]] || start_slipwayd
    slipway aks list --output json | jq -r '.[].name' | while read -r name; do
      slipway aks delete --resource-group "$group" --name "$name" --yes >&2 < /dev/null
    done
    stop_slipwayd
    # A hosted process is known by its cluster's port, everything else by the state folder.
    local ports left=$state
    ports=$(sed -n 's/.*"\{0,1\}server"\{0,1\}: "\{0,1\}https:\/\/[0-9.]*:\([0-9]*\).*/\1/p' "$state"/client/*.kubeconfig 2> /dev/null | sort -u)
    [[ -z $ports ]] || left+="|--secure-port=(${ports//$'\n'/|}) "
    if pgrep --full --list-full -- "$left" >&2; then
      bad "nothing is left running after the clusters are deleted"
      pkill -KILL --full -- "$left"
    else
      pass "nothing is left running after the clusters are deleted"
    fi
    try "the host has the VMs, networks, firewall tables and folders that it had before" \
      diff "$state/client/host-before" <(host_things)
    mkdir -p "${SLIPWAY_TEST_LOGS:-/tmp}"
    cp "$state/slipwayd.log" "${SLIPWAY_TEST_LOGS:-/tmp}/$(basename "$0")-slipwayd.log"
    cp "$state"/client/*.evidence.json "${SLIPWAY_TEST_LOGS:-/tmp}/"
    rm -rf --one-file-system "$state"
  fi
  exit "$status"
}

image_folder() { # builds the node image, or takes it from the cache
  "$programs/slipway" image build --output "$SLIPWAY_CACHE/images" --kubernetes "$("$repository/packaging/kubernetes/fetch")" >&2
  printf '%s\n' "$SLIPWAY_CACHE/images"
}

state_of_cluster() { # GROUP CLUSTER
  slipway aks show --resource-group "$1" --name "$2" --output json | jq -r .provisioningState
}

node_of() { # CLUSTER POOL: name of the pool's first node
  slipway node list --output json | jq -r --arg pool "$2" '[.[] | select(.pool == $pool)][0].name'
}

field_of() { # NODE FIELD
  slipway node list --output json | jq -r --arg node "$1" --arg field "$2" '.[] | select(.name == $node) | .[$field]'
}

# The node's last evidence bundle, as NAME.evidence.json; it stays with the logs.
keep_evidence() { # NAME NODE
  slipway evidence get "$2" --file "$state/client/${1// /-}.evidence.json" --only-show-errors
}

# A privileged pod that sees the node's root at /host: how the tests look into a guest whose image has no back door.
inspector() { # CLUSTER NODE
  kubectl "$1" apply -f - >&2 <<JSON
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "inspector-$2"},
 "spec": {"nodeName": "$2", "hostPID": true, "hostNetwork": true, "tolerations": [{"operator": "Exists"}],
  "containers": [{"name": "main", "image": "docker.io/library/busybox:1.35", "imagePullPolicy": "IfNotPresent",
   "command": ["sleep", "1000000"], "securityContext": {"privileged": true}, "volumeMounts": [{"name": "root", "mountPath": "/host"}]}],
  "volumes": [{"name": "root", "hostPath": {"path": "/"}}]}}
JSON
  kubectl "$1" wait --for=condition=Ready "pod/inspector-$2" --timeout=240s >&2
}

in_node() { # CLUSTER NODE COMMAND...: runs it in the node's own root
  local cluster=$1 node=$2
  shift 2
  kubectl "$cluster" exec "inspector-$node" -- chroot /host "$@"
}
