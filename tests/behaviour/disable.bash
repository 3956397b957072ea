# 1j: turned off again.
#
# shellcheck shell=bash

instances_of_others() { nodes | jq -r --arg pool "$1" '[.[] | select(.pool != $pool).instance] | sort | join(" ")'; }
disables_here_alone() {
  local before
  before=$(instances_of_others bothpool)
  reimages bothpool --disable-secure-boot && security_is bothpool false true || return 1
  [[ -n $before && $(instances_of_others bothpool) == "$before" ]]
}
simulated S98 "--disable-secure-boot: off, vTPM untouched" disables_here_alone
simulated S101 "--disable-vtpm: off, Secure Boot untouched, TPM state destroyed" all "reimages pool1 --disable-vtpm" "security_is pool1 true false" \
  "holds 'all(.vtpm == false)' pool_nodes pool1" -- "labels of pool updated: - true -" "vTPM off: the pool says so, and Secure Boot is untouched" "vTPM off: the old node's TPM state is destroyed" "vTPM off: the new node has no TPM state"
simulated S99 "each node gets a new disk" reimages sbpool --disable-secure-boot -- "vTPM off: the machine id is another one" "vTPM on: the machine id is another one" \
  "vTPM off: nothing of the old disk, variables or TPM is left on the host"
# A pool of three nodes: one simulated node is made again before the first look at the operation.
progress_is_told() {
  update sbpool --enable-vtpm --output none || return 1
  update bothpool --enable-secure-boot --output none 2> "$work/progress" || return 1
  grep --quiet -- node "$work/progress" || { cat "$work/progress" >&2; return 1; }
}
simulated S100 "progress of a re-image" progress_is_told -- "vTPM off: its progress names a node"
disables_other_way() {
  local before
  before=$(instances_of_others sbpool)
  reimages sbpool --disable-vtpm && [[ -n $before && $(instances_of_others sbpool) == "$before" ]]
}
simulated S102 "other pools stay as they are" disables_other_way -- "S102: the other pool kept its node"
plain S103 "the help points to the concept page" all "says concepts/trusted-launch.md slipway --help" "grep -q '^# Trusted Launch' '$repository/docs/concepts/trusted-launch.md'"
