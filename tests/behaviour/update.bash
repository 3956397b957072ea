# 1h: a pool is updated. The pools are those of the rows before.
#
# shellcheck shell=bash

update() { az aks nodepool update --resource-group myResourceGroup --cluster-name myAKSCluster --name "$@"; }
instances() { pool_nodes "$1" | jq -r '[.[].instance] | sort | join(" ")'; }

security_is() { holds ".securityProfile == {\"enableSecureBoot\": $2, \"enableVtpm\": $3} and .provisioningState == \"Succeeded\"" pool "$1"; } # POOL SB VTPM
# reimages POOL FLAG...: the pool's nodes are other instances afterwards, all Ready.
reimages() {
  local before after
  before=$(instances "$1")
  update "$@" --output none || return 1
  after=$(instances "$1")
  [[ -n $after && -n $before ]] || return 1
  for instance in $before; do [[ " $after " != *" $instance "* ]] || { echo "instance $instance is still there" >&2; return 1; }; done
  holds 'all(.ready == true)' pool_nodes "$1"
}
simulated S88 "with the feature registered a pool has a Trusted Launch image" holds '.nodeImageVersion | contains("TL")' pool nonepool
plain S89 "without flags both are off" holds '.securityProfile == {"enableSecureBoot": false, "enableVtpm": false}' pool nonepool
simulated S84 "--enable-secure-boot: it flips, nodes are re-imaged" all "reimages pool1 --enable-secure-boot" "security_is pool1 true false"
simulated S85 "--enable-vtpm: it flips, nodes are re-imaged, with new TPMs" all "reimages pool1 --enable-vtpm" "security_is pool1 true true" \
  "holds 'all(.verdict == \"trusted\")' pool_nodes pool1" -- "vTPM on is updated" "vTPM on: the TPM is a new one" "vTPM on: the boot is proved"
simulated S90 "both can be turned on later" all "reimages nonepool --enable-vtpm" "security_is nonepool false true"
simulated S80 "nodepool update changes an existing pool" holds '.securityProfile.enableVtpm' pool nonepool -- "vTPM on is updated"
simulated S92 "the article's example: both at once" all \
  "az aks nodepool update --cluster-name myAKSCluster --resource-group myResourceGroup --name mynodepool --enable-secure-boot --enable-vtpm --output none" \
  "security_is mynodepool true true"
plain S81 "a group that is not there is not found" fails 1 ResourceGroupNotFound az aks nodepool update -g nowhere --cluster-name myAKSCluster -n pool1 --enable-vtpm
plain S82 "a cluster that is not there is not found" fails 1 ResourceNotFound az aks nodepool update -g myResourceGroup --cluster-name nothing -n pool1 --enable-vtpm
plain S83 "a pool that is not there is not found" fails 1 NotFound update nothing --enable-vtpm
update_early() { slipway aks nodepool update -g myResourceGroup --cluster-name early --name "$1" --enable-vtpm; }
early_image() { slipway aks nodepool show -g myResourceGroup --cluster-name early --name nodepool1 --query nodeImageVersion -o tsv; }
plain S87 "a pool from before the feature cannot be updated" all "fails 1 TrustedLaunchPreview update_early nodepool1" "fails 1 TrustedLaunchPreview update_early plain"
plain S86 "a pool without a Trusted Launch image cannot; the image is named" fails 1 "$(early_image)" update_early nodepool1
later S91 "which boot component is responsible"
