# Sourced by vm_test: somebody writes to a node's disk at rest. Each image differs from the good one in one place, the
# manifest is the good one: none of these nodes gets a certificate, and what differs is named.
#
# shellcheck shell=bash

declare -A tampered_node=()

# The VM of such a pool boots while the next image is made: two at a time is what two cores bear.
boot_tampered() { # POOL TAMPERING
  local pool=$1 tampering=$2 log
  log=$("$here/tamper" "$good_image" "$manifest" "$tampering" "$state/tampered.qcow2") || { bad "$tampering: the image could not be made"; return; }
  echo "--- $tampering: $log" >&2
  use_image "$state/tampered.qcow2"
  slipway aks nodepool add --resource-group "$group" --cluster-name one --name "$pool" --node-count 1 --enable-secure-boot --enable-vtpm --no-wait >&2
  booted() { [[ $(field_of "$(node_of one "$pool")" phase) != @(|null|Provisioning) ]]; }
  until_true 180 booted || bad "$tampering: the VM starts"
  tampered_node[$tampering]=$(node_of one "$pool")
}

absent_beside_good() { # NODE
  local names
  names=$(kubectl one get nodes --output name) || return 1
  echo "$names"
  grep --quiet --line-regexp "node/$first" <<< "$names" && ! grep --quiet --line-regexp "node/$1" <<< "$names"
}
# What slipwayd says of each certificate that it issues to a node that comes in; of the good node it was said.
never_admitted() { # NODE
  grep --quiet "admitted node=$first " "$state/slipwayd.log" && ! grep "admitted node=$1 " "$state/slipwayd.log"
}

report_of() { # NODE: what slipwayd says of it, as JSON without spaces, and nothing of any other node
  slipway node list --output json | jq --compact-output --arg node "$1" '.[] | select(.name == $node)'
  slipway node boot "$1" --output json | jq --compact-output .
}
# The node ends in that phase; its report has all these words; Kubernetes never saw it.
judge_tampered() { # POOL TAMPERING PHASE WORD...
  local pool=$1 tampering=$2 phase=$3 node=${tampered_node[$2]:-} word
  shift 3
  [[ -n $node ]] || return
  reached() { [[ $(field_of "$node" phase) == "$phase" ]]; }
  try "$tampering: the node's state is $phase" until_true 720 reached
  report_of "$node" > "$state/client/report"
  for word in "$@"; do
    try "$tampering: the report names '$word'" grep --quiet --ignore-case --fixed-strings -- "$word" "$state/client/report"
  done
  [[ $(field_of "$node" phase) == "$phase" ]] || cat "$state/client/report" >&2
  try "$tampering: Kubernetes has the good node and not this one" absent_beside_good "$node"
  try "$tampering: no certificate was issued" never_admitted "$node"
  slipway aks nodepool delete --resource-group "$group" --cluster-name one --name "$pool" --yes >&2 || bad "$tampering: the pool can be deleted"
}

# A shell as the first process says nothing until patience ends, and costs little meanwhile.
boot_tampered badinit cmdline-init-shell
boot_tampered badshim shim
boot_tampered badgrub grub
judge_tampered badshim shim BootRefused "Access Denied" "/EFI/BOOT/BOOTX64.EFI has SHA-256"
judge_tampered badgrub grub BootRefused "Security Violation" "/EFI/BOOT/grubx64.efi has SHA-256"
boot_tampered badkernel kernel
boot_tampered badinitrd initrd-extra-file
judge_tampered badkernel kernel BootRefused "bad shim signature" "/EFI/debian/vmlinuz has SHA-256"
judge_tampered badinitrd initrd-extra-file Untrusted '"rule":"pcr9.initrd"' "/EFI/debian/initrd"
boot_tampered badsecond second-initrd-line
boot_tampered badroot root-byte
console=$(find /var/lib/libvirt/slipway -path "*/$(field_of "${tampered_node[root-byte]:-none}" instance)/console.log")
judge_tampered badsecond second-initrd-line Untrusted '"rule":"pcr8' "/EFI/debian/second"
judge_tampered badinit cmdline-init-shell Silent "init=/bin/sh"
# It is the kernel that stops, at the block's digest, and not a program that is broken by another byte.
try "root-byte: the kernel stopped at the digest of the block" until_true 600 grep --quiet --text "verity.*corrupted" "${console:-none}"
judge_tampered badroot root-byte Silent "the root file system is not what the image's root hash"
use_image "$good_image"
