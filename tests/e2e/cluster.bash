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
try "the create is not yet done when slipwayd is back" test "$(state_of_cluster "$group" one)" = Creating
try "a create goes on after slipwayd was killed, and finishes" slipway aks wait --resource-group "$group" --name one --created --timeout 900
try "credentials" slipway aks get-credentials --resource-group "$group" --name one --file "$state/client/one.kubeconfig"
first=$(node_of one nodepool1)
try "the cluster has exactly one node" test "$(kubectl one get nodes --output name | wc -l)" = 1
# Of everything that a create makes on a host, one: nothing was made twice and lost.
made_once() {
  local kind counts=()
  host_things | comm -13 "$state/client/host-before" - | tee "$state/client/host-made"
  for kind in '^domain ' '^network ' '^bridge ' '^table inet slipway_' '^/var/lib/libvirt/swtpm/[^/]+$' '^supervisor '; do
    counts+=("$(grep --count --extended-regexp "$kind" "$state/client/host-made")")
  done
  echo "VMs, networks, bridges, tables, TPMs, supervisors: ${counts[*]}"
  [[ ${counts[*]} == "1 1 1 1 1 1" ]]
}
try "the host has one VM, network, bridge, firewall table, TPM and supervisor more" made_once
try "node list knows it as ready and trusted" test "$(field_of "$first" phase)/$(field_of "$first" verdict)" = Ready/trusted

# S2, S3: each component of the boot chain, its signer and the verdict, as a user reads them.
report_has() { # WORD...
  local word
  slipway node boot "$first" > "$state/client/boot" || return 1
  cat "$state/client/boot"
  for word in "$@"; do
    grep --quiet --fixed-strings -- "$word" "$state/client/boot" || { echo "the report has no '$word'"; return 1; }
  done
}
try "the boot report has each component, its signer and the verdict" report_has firmware shim grub kernel initrd \
  "Microsoft Windows UEFI Driver Publisher" "Debian Secure Boot Signer" ": trusted"
# S15: by somebody who cannot reach the server.
evidence_verifies() {
  local evidence="$state/client/the-first-boot.evidence.json"
  keep_evidence "the first boot" "$first" || return 1
  SLIPWAY_CONFIG_DIR=$state/nobody "$programs/slipway" evidence verify "$evidence" || return 1
  jq -c '.evidence.quote |= (if startswith("/0") then "A" + .[1:] else "/0" + .[2:] end)' "$evidence" > "$state/client/changed"
  ! SLIPWAY_CONFIG_DIR=$state/nobody "$programs/slipway" evidence verify "$state/client/changed" || return 1
  [[ $(slipway evidence token "$first") == *.*.* ]]
}
try "its evidence verifies without the server, and no longer with a byte of the quote changed" evidence_verifies

labels_of() { kubectl one get node "$1" --output json | jq -r '.metadata.labels | [.["kubernetes.azure.com/trusted-launch"], .["kubernetes.azure.com/secure-boot"], .["kubernetes.azure.com/security-type"]] | map(. // "-") | join(" ")'; }
labels_are() { # POOL LABELS
  local found
  found=$(labels_of "$(node_of one "$1")")
  echo "found: $found"
  [[ $found == "$2" ]]
}
expect_labels() { try "labels of pool $1: $2" labels_are "$1" "$2"; } # POOL LABELS
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
  keep_evidence "$name" "$node"
  jq --raw-output --arg name "$name" '.events | group_by(.match) | map("\(length) \(.[0].match)") | "     \($name): " + join(", ")' "$table"
}
