# Sourced by vm_test: a pool of one real VM has its vTPM turned off and on again (S84, S85, S92, S98-S101): two re-images,
# since each boot takes minutes under software emulation.
#
# shellcheck shell=bash

pool_flag() { # POOL FIELD: of the pool's security profile
  slipway aks nodepool show --resource-group "$group" --cluster-name one --name "$1" --output json | jq -r ".securityProfile.$2"
}
update_pool() { # POOL FLAG...: with its progress on standard error
  local pool=$1
  shift
  slipway aks nodepool update --resource-group "$group" --cluster-name one --name "$pool" "$@"
}
# Whatever a host keeps of an instance has its UUID in the path: overlay, variable store, console, TPM state.
leftovers() { find /var/lib/libvirt "$state" -name "*$1*" -not -path "$state/evidence/*"; }
machine_id() { in_node one "$1" cat /etc/machine-id; }

# Makes the pool again with the flag and looks at what came of it. Sets $node to the new node and $instance to its UUID;
# $machine and $key are those of the node before.
reimaged() { # WHAT FLAG LABELS
  local old_node=$node old_instance=$instance old_machine=$machine
  try "$1: what the host keeps of the old node is found" test -n "$(leftovers "$old_instance")"
  try "$1 is updated" update_pool updated "$2" 2> "$state/client/progress"
  cat "$state/client/progress" >&2
  try "$1: its progress names a node" grep --quiet -- aks-updated- "$state/client/progress"
  node=$(node_of one updated)
  instance=$(field_of "$node" instance)
  try "$1: the node was made again under a new name" test -n "$node" -a "$node" != "$old_node" -a "$instance" != "$old_instance"
  expect_labels updated "$3"
  try "$1: the node is Ready and takes pods" until_true 60 kubectl one wait --for=condition=Ready "node/$node" --timeout=5s
  try "$1: it is not cordoned" test "$(kubectl one get node "$node" --output jsonpath='{.spec.unschedulable}')" != true
  refused "$1: Kubernetes no longer has the old node" NotFound kubectl one get node "$old_node"
  try "$1: nothing of the old disk, variables or TPM is left on the host" test -z "$(leftovers "$old_instance")"
  inspector one "$node"
  machine=$(machine_id "$node")
  try "$1: the machine id is another one" test -n "$machine" -a "$machine" != "$old_machine"
}

try "a pool for updates is created" slipway aks nodepool add --resource-group "$group" --cluster-name one --name updated --node-count 1 --enable-vtpm --enable-secure-boot
node=$(node_of one updated)
instance=$(field_of "$node" instance)
inspector one "$node"
machine=$(machine_id "$node")
first_updated_key=$(endorsement_key "$node")
try "its TPM state stands on the host" test -d "/var/lib/libvirt/swtpm/$instance"
first_instance=$instance
boots_as_predicted "a second VM" "$node" on

# S101: label and TPM go, Secure Boot stays.
reimaged "vTPM off" --disable-vtpm "- true -"
try "vTPM off: the pool says so, and Secure Boot is untouched" test "$(pool_flag updated enableVtpm)/$(pool_flag updated enableSecureBoot)" = false/true
try "vTPM off: Secure Boot is on in the guest" test "$(secure_boot_byte "$node")" = 1
try "vTPM off: the guest has no TPM" in_node one "$node" sh -c 'test -c /dev/null && ! test -e /dev/tpm0'
try "vTPM off: the old node's TPM state is destroyed" test ! -e "/var/lib/libvirt/swtpm/$first_instance"
try "vTPM off: the new node has no TPM state" test ! -e "/var/lib/libvirt/swtpm/$instance"
try "S102: the other pool kept its node" test "$(node_of one nodepool1)/$(field_of "$(node_of one nodepool1)" phase)" = "$first/Ready"

# S85: a new TPM, not the old one back.
reimaged "vTPM on" --enable-vtpm "true true TrustedLaunch"
second_updated_key=$(endorsement_key "$node")
echo "$first_updated_key / $second_updated_key" >&2
try "vTPM on: the TPM is a new one" test -n "$second_updated_key" -a "$second_updated_key" != "$first_updated_key"
try "vTPM on: the boot is proved" test "$(field_of "$node" verdict)" = trusted
try "the pool for updates is deleted" slipway aks nodepool delete --resource-group "$group" --cluster-name one --name updated --yes
