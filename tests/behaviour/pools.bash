# 1g: a node pool is added.
#
# shellcheck shell=bash

pool() { slipway aks nodepool show --resource-group myResourceGroup --cluster-name myAKSCluster --name "$1"; }
pool_nodes() { nodes | jq --arg pool "$1" '[.[] | select(.pool == $pool)]'; }
add() { az aks nodepool add --resource-group myResourceGroup --cluster-name myAKSCluster --name "$@"; }

simulated S77 "the article's example, vTPM alone" all \
  "az aks nodepool add --resource-group myResourceGroup --cluster-name myAKSCluster --name mynodepool --node-count 3 --enable-vtpm --output none" \
  "holds '.count == 3 and .securityProfile == {\"enableSecureBoot\": false, \"enableVtpm\": true}' pool mynodepool" \
  "holds 'length == 3 and all(.verdict == \"trusted\")' pool_nodes mynodepool"
simulated S66 "nodepool add deploys a pool" holds '.provisioningState == "Succeeded" and .type == "Microsoft.ContainerService/managedClusters/agentPools"' pool mynodepool -- "pool vtpmonly is created"
simulated S79 "vTPM without Secure Boot" holds '.securityProfile.enableVtpm and (.securityProfile.enableSecureBoot | not)' pool mynodepool -- "labels of pool vtpmonly: true - -"
simulated S78 "the article's example, both" all \
  "az aks nodepool add --resource-group myResourceGroup --cluster-name myAKSCluster --name bothpool --node-count 3 --enable-vtpm --enable-secure-boot --output none" \
  "holds '.count == 3 and .securityProfile == {\"enableSecureBoot\": true, \"enableVtpm\": true}' pool bothpool"
plain S67 "a cluster that is not there is not found" fails 1 ResourceNotFound az aks nodepool add --resource-group myResourceGroup --cluster-name nothing --name p
plain S68 "a group that is not there is not found" fails 1 ResourceGroupNotFound az aks nodepool add --resource-group nowhere --cluster-name myAKSCluster --name p
plain S69 "the same name again is a conflict" fails 1 "already exists" add mynodepool
refused_name() { fails 1 lower-case add "$1" --node-count 1; }
plain S70 "lower-case letters and digits" all "refused_name MyPool" "refused_name my-pool" "refused_name my_pool" "add pool1 --node-count 1 --output none"
plain S71 "a letter first" refused_name 1pool
refused_empty_name() { ! add "" --node-count 1; }
plain S72 "1 to 11 characters" all "fails 1 11 add aaaaaaaaaaaa --node-count 1" "add aaaaaaaaaaa --node-count 1 --no-wait --output none" \
  "add a --node-count 1 --no-wait --output none" "refused_empty_name"
plain S73 "without --node-count: 3" holds .count==3 add three --no-wait
simulated S74 "--enable-secure-boot alone" all "add sbpool --node-count 1 --enable-secure-boot --output none" \
  "holds '.securityProfile == {\"enableSecureBoot\": true, \"enableVtpm\": false}' pool sbpool" -- "labels of pool sbonly: - true -"
simulated S75 "--enable-vtpm: attested" holds 'all(.verdict == "trusted")' pool_nodes mynodepool -- "pool vtpmonly is created"
later S76 "which boot component is responsible"
simulated S4 "each of the two can be switched by itself: four pools work" all "add nonepool --node-count 1 --output none" \
  "holds 'length == 1 and .[0].ready == true' pool_nodes nonepool" "holds 'length == 1 and .[0].ready == true' pool_nodes sbpool" \
  "holds 'length == 3 and all(.ready)' pool_nodes mynodepool" "holds 'length == 3 and all(.ready)' pool_nodes bothpool" -- \
  "pool vtpmonly is created" "pool sbonly is created" "pool none is created" "labels of pool nodepool1: true true TrustedLaunch"
