# 1l: the profile "ga".
#
# shellcheck shell=bash

start_server g '{"rules": {"profile": "ga"}}' --kubernetes memory: || echo "no server for the profile ga" >&2
slipway group create --name g --location local --output none
slipway aks create -g g -n c --node-count 1 --generate-ssh-keys --output none
ga_add() { slipway aks nodepool add -g g --cluster-name c --name "$@"; }
ga_pool() { slipway aks nodepool show -g g --cluster-name c --name "$1"; }
ga_update() { slipway aks nodepool update -g g --cluster-name c --name "$@"; }

plain G1 "no feature is needed; azure-cli's level is 2.66.0" all "feature_is NotRegistered" "ga_add tl --node-count 1 --enable-vtpm --enable-secure-boot --output none" \
  "version_at_least 2.66.0"
plain G2 "not Arm64, Pod Sandboxing, Flatcar" all "fails 1 arm64 ga_add x --enable-vtpm -s $(size_where '.architecture == "arm64"')" \
  "fails 1 Kata ga_add x --enable-vtpm --workload-runtime KataMshvVmIsolation" "fails 1 Flatcar ga_add x --enable-vtpm --os-sku Flatcar" \
  "fails 1 $(size_where '.name | startswith("Standard_DC")') ga_add x --enable-vtpm -s $(size_where '.name | startswith("Standard_DC")')"
# The rule lets it through; that Slipway has no FIPS image is another matter, and said so.
fips_is_let_through() {
  local output
  output=$(ga_add x --node-count 0 --enable-vtpm --enable-fips-image --os-sku Ubuntu 2>&1) || [[ $output != *TrustedLaunchIncompatibleWithConfig* ]]
}
plain G3 "FIPS on Ubuntu alone" all "fails 1 FIPS ga_add x --enable-vtpm --enable-fips-image --os-sku AzureLinux" \
  "fips_is_let_through"
plain G4 "a GPU's driver: --gpu-driver None on Ubuntu" fails 1 "gpu-driver" ga_add x --enable-secure-boot -s "$(size_where '.gpu and .trustedLaunch')"
simulated G5 "an existing pool needs no Trusted Launch image" all "ga_update nodepool1 --enable-vtpm --output none" \
  "holds '.securityProfile.enableVtpm' ga_pool nodepool1"
plain G6 "agentPools properties.securityProfile" holds '.securityProfile == {"enableSecureBoot": true, "enableVtpm": true}' ga_pool tl
simulated G7 "the image version has TL" holds '.nodeImageVersion | contains("TL")' ga_pool tl -- "labels of pool nodepool1: true true TrustedLaunch"
say_row replayed G8 "the portal and azurerm cannot do Trusted Launch: nothing to do here"
ga_transitions() {
  local flag before after
  for flag in --disable-secure-boot --disable-vtpm --enable-secure-boot --enable-vtpm; do
    before=$(slipway node list -g g -n c -o json | jq -r '.[] | select(.pool == "tl").instance')
    ga_update tl "$flag" --output none || return 1
    after=$(slipway node list -g g -n c -o json | jq -r '.[] | select(.pool == "tl").instance')
    [[ -n $before && -n $after && $before != "$after" ]] || { echo "$flag: $before, $after" >&2; return 1; }
  done
}
simulated G9 "all four changes re-image" ga_transitions
plain G10 "an operating system that demands both" fails 1 AzureContainerLinux ga_add x --os-sku AzureContainerLinux --enable-vtpm
plain G11 "TrustedLaunchIncompatibleWithConfig" fails 1 TrustedLaunchIncompatibleWithConfig ga_add x --enable-vtpm -s "$(size_where '.architecture == "arm64"')"
# In one request, as a client of the API can send it: six pools of a thousand.
six_full_pools() {
  local admin=$work/g/state/admin.json
  jq -n '{location: "local", properties: {dnsPrefix: "x", agentPoolProfiles: [range(6) | {name: "p\(.)", count: 1000, mode: "System"}]}}' > "$work/six.json"
  curl --silent --cacert "$work/g/state/ca.pem" --header "Authorization: Bearer $(slipway account get-access-token --query accessToken -o tsv)" \
    --header 'Content-Type: application/json' --request PUT --data "@$work/six.json" \
    "$(jq -r .endpoint "$admin")/subscriptions/$(jq -r .subscriptionId "$admin")/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/six?api-version=2025-03-01" > "$work/six.answer"
  jq --exit-status '.error.message | contains("5000")' "$work/six.answer"
}
plain G12 "1000 nodes in a pool, 0 only in a user pool" all "fails 1 1000 ga_add x --node-count 1001" six_full_pools \
  "fails 1 System ga_add x --node-count 0 --mode System" "holds .count==0 ga_add zero --node-count 0"
plain Q5 "11 characters in preview, 12 in ga" all "holds '.name == \"aaaaaaaaaaaa\"' ga_add aaaaaaaaaaaa --node-count 0" "fails 1 12 ga_add aaaaaaaaaaaaa --node-count 0" \
  "use m" "fails 1 11 add aaaaaaaaaaaa --node-count 1"
use m
stop_server g
