# Sourced by vm_test: the cluster "one" with one node of a Trusted Launch pool, $first.
#
# shellcheck shell=bash

create=(aks create --resource-group "$group" --name one --node-count 1 --enable-secure-boot --enable-vtpm --enable-managed-identity --generate-ssh-keys)

# S60, S64; and a SIGKILL in the middle of it.
slipway "${create[@]}" --no-wait >&2 || bad "aks create is accepted"
has_node() { slipway node list --output json | jq --exit-status 'length > 0'; }
until_true 120 has_node || bad "a node is begun"
stop_slipwayd KILL
start_slipwayd
try "a create goes on after slipwayd was killed, and finishes" slipway aks wait --resource-group "$group" --name one --created --timeout 900
try "credentials" slipway aks get-credentials --resource-group "$group" --name one --file "$state/client/one.kubeconfig"
first=$(node_of one nodepool1)
try "the cluster has exactly one node" test "$(kubectl one get nodes --output name | wc -l)" = 1
try "node list knows it as ready and trusted" test "$(field_of "$first" phase)/$(field_of "$first" verdict)" = Ready/trusted
slipway node boot "$first" >&2

labels_of() { kubectl one get node "$1" --output json | jq -r '.metadata.labels | [.["kubernetes.azure.com/trusted-launch"], .["kubernetes.azure.com/secure-boot"], .["kubernetes.azure.com/security-type"]] | map(. // "-") | join(" ")'; }
expect_labels() { # POOL LABELS
  local found
  found=$(labels_of "$(node_of one "$1")")
  if [[ $found == "$2" ]]; then pass "labels of pool $1: $2"; else bad "labels of pool $1: '$found' and not '$2'"; fi
}
expect_labels nodepool1 "true true TrustedLaunch"

# Four bytes of attributes and one of value. Read whole: efivarfs does not seek.
secure_boot_byte() { in_node one "$1" cat /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c | od -An -tu1 | awk 'NF == 5 { print $5 }'; }
endorsement_key() { in_node one "$1" sh -c 'tpm2_readpublic -Q -c 0x81010001 -o /run/ek.pub && sha256sum < /run/ek.pub'; }

# A boot held against its prediction, event by event: `slipway predict --compare` on the log that the guest's kernel keeps.
# The whole table goes to the log; how many events are of which kind is printed. Kept in $state/client/NAME.log.
boots_as_predicted() { # NAME NODE on|off
  local name=$1 node=$2 log=$state/client/${1// /-}.log domain shape=() table=$state/client/comparison
  domain=$(virsh list --name | grep --fixed-strings -- "$node")
  shape=(--vcpus "$(virsh vcpucount "$domain" --current --live)" --memory "$(virsh dominfo "$domain" | awk '/^Max memory/ { print $3 / 1024 }')")
  in_node one "$node" cat /sys/kernel/security/tpm0/binary_bios_measurements > "$log" || { bad "$name: the log can be read"; return; }
  if slipway predict "$good_image" --manifest "$manifest" "${shape[@]}" --secure-boot "$3" --compare "$log" --output json > "$table"; then
    pass "$name: every event is as predicted"
  else
    bad "$name: some event is not as predicted"
  fi
  slipway predict "$good_image" --manifest "$manifest" "${shape[@]}" --secure-boot "$3" --compare "$log" >&2
  jq --raw-output --arg name "$name" '.events | group_by(.match) | map("\(length) \(.[0].match)") | "     \($name): " + join(", ")' "$table"
}
