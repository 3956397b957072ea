# 1f: a new cluster, by the article's own line; 1a to 1c as far as simulated nodes show them.
#
# shellcheck shell=bash

# Literally the article's: the alias az stands for slipway.
article_line() {
  az aks create \
    --name myAKSCluster \
    --resource-group myResourceGroup \
    --node-count 1 \
    --enable-secure-boot \
    --enable-vtpm \
    --enable-managed-identity \
    --generate-ssh-keys
}
one_node=("the cluster has exactly one node")
trusted=("node list knows it as ready and trusted")
reported=("the boot report has each component, its signer and the verdict")
cluster() { slipway aks show --resource-group myResourceGroup --name myAKSCluster; }
nodes() { slipway node list --resource-group myResourceGroup --name myAKSCluster --output json; }
create_keeps() { article_line > "$work/created.json"; }
simulated S60 "the article's line works" create_keeps -- "a create goes on after slipwayd was killed, and finishes"
simulated S54 "aks create gives a cluster" holds '.provisioningState == "Succeeded" and .resourceGroup == "myResourceGroup"' cat "$work/created.json" -- \
  "a create goes on after slipwayd was killed, and finishes"
plain S55 "the same name again is a conflict" fails 1 "already exists" article_line
plain S56 "a group that is not there is not found" fails 1 ResourceGroupNotFound az aks create --name c --resource-group nowhere --generate-ssh-keys
plain S57 "--enable-secure-boot sets enableSecureBoot" holds '.agentPoolProfiles[0].securityProfile.enableSecureBoot == true' cluster
simulated S58 "--enable-vtpm sets enableVtpm, and the first attestation is kept" all \
  "holds '.agentPoolProfiles[0].securityProfile.enableVtpm == true' cluster" \
  "holds 'length == 1 and .[0].verdict == \"trusted\"' nodes" -- "${trusted[@]}"
later S59 "which boot component is responsible"
simulated S61 "--node-count 1 is one node" holds length==1 nodes -- "${one_node[@]}"
plain S62 "--enable-managed-identity is recorded" holds '.identity.type == "SystemAssigned"' cluster
keys_are_kept() {
  local before
  before=$(cat "$HOME/.ssh/id_rsa.pub") && [[ $before == ssh-rsa\ * && $(stat -c %a "$HOME/.ssh/id_rsa") == 600 ]] || return 1
  slipway aks create -g myResourceGroup -n second --node-count 1 --generate-ssh-keys --no-wait --output none && [[ $(cat "$HOME/.ssh/id_rsa.pub") == "$before" ]] &&
    holds ".linuxProfile.ssh.publicKeys[0].keyData == \"$before\"" cluster
}
plain S63 "--generate-ssh-keys makes a pair once" keys_are_kept
simulated S64 "one node, in the group, both on" holds '.agentPoolProfiles | length == 1 and .[0].count == 1 and .[0].securityProfile == {"enableSecureBoot": true, "enableVtpm": true}' cluster -- \
  "labels of pool nodepool1: true true TrustedLaunch" "${one_node[@]}"

node=$(nodes | jq -r '.[0].name')
boot() { slipway node boot "$node" --output json; }
simulated S1 "one profile that can be switched, for VMs with UEFI" all "holds '.bootReport.verdict == \"trusted\"' boot" \
  "fails 1 'generation' slipway aks nodepool add -g myResourceGroup --cluster-name myAKSCluster -n gen1 --enable-vtpm -s $(size_where '.generation2 == false')" -- "${trusted[@]}"
simulated S2 "each boot component with its signer" all "says 'Microsoft Windows UEFI Driver Publisher' slipway node boot $node" \
  "says 'Debian Secure Boot Signer' slipway node boot $node" -- "${reported[@]}"
simulated S3 "the whole chain with a verdict" all "says firmware slipway node boot $node" "says shim slipway node boot $node" \
  "says grub slipway node boot $node" "says kernel slipway node boot $node" "says initrd slipway node boot $node" \
  "says 'trusted' slipway node boot $node" -- "${reported[@]}"
simulated S12 "a verifier outside of the VM judges a quote with its nonce" holds '.verdict == "trusted" and .bootReport.verdict == "trusted"' boot -- "${trusted[@]}"
simulated S13 "a node's health comes from its attestation" holds '.[0] | .ready == true and .verdict == "trusted" and .phase == "Ready"' nodes -- "${trusted[@]}"
# By a third party: without a server, and a bundle in which one byte of the quote is another says no.
evidence_verifies() {
  slipway evidence get "$node" --file "$work/evidence" --only-show-errors || return 1
  SLIPWAY_CONFIG_DIR=$work/nobody slipway evidence verify "$work/evidence" > /dev/null || return 1
  jq -c '.evidence.quote |= (if startswith("/0") then "A" + .[1:] else "/0" + .[2:] end)' "$work/evidence" > "$work/evidence.changed"
  ! SLIPWAY_CONFIG_DIR=$work/nobody slipway evidence verify "$work/evidence.changed" > /dev/null || return 1
  [[ $(slipway evidence token "$node") == *.*.* ]]
}
simulated S15 "a signed result, and evidence that anybody verifies without a server" evidence_verifies -- \
  "its evidence verifies without the server, and no longer with a byte of the quote changed"
