# 1k: the article's own traps.
#
# shellcheck shell=bash

plain Q1 "an en dash before a flag is named" all \
  "fails 2 'U+2013' az aks nodepool add --resource-group myResourceGroup -–cluster-name myAKSCluster --name mynodepool --node-count 3 --enable-vtpm" \
  "fails 2 'type --cluster-name' az aks nodepool add -–cluster-name myAKSCluster" "fails 2 'U+2014' az aks create —name c"
plain Q2 "a near name is suggested" all \
  "fails 1 myAKSCluster az aks nodepool update --cluster-name myCluster --resource-group myResourceGroup --name mynodepool --enable-secure-boot --enable-vtpm" \
  "fails 1 mynodepool slipway aks nodepool update --cluster-name myAKSCluster -g myResourceGroup -n mynodepol --enable-vtpm" \
  "fails 3 myResourceGroup slipway group show --name myResourcGroup" "fails 2 \"Did you mean '--enable-vtpm'\" slipway aks create --enable-vtmp" \
  "fails 2 \"Did you mean 'nodepool'\" slipway aks nodpool add"
cat > "$work/pod.yaml" <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  nodeSelector:
    kubernetes.azure.com/trusted-launch: true
  containers:
  - name: main
    image: busybox
YAML
check_manifest() { slipway kubectl-check -f "$work/pod.yaml"; }
corrected_is_shown() {
  local output
  output=$(check_manifest 2>&1)
  [[ $output == *'should be:     kubernetes.azure.com/trusted-launch: "true"'* ]] || { printf '%s\n' "$output" >&2; return 1; }
}
corrected_passes() {
  sed 's/launch: true/launch: "true"/' "$work/pod.yaml" > "$work/good.yaml" && slipway kubectl-check -f "$work/good.yaml"
}
plain Q3 "an unquoted label value is explained and corrected" all "fails 1 'to put in quotes' check_manifest" corrected_is_shown corrected_passes
plain Q4 "digits after the first letter" holds '.name == "p2q3"' add p2q3 --node-count 0
plain Q6 "--cluster-name of update is an existing cluster" fails 1 ResourceNotFound az aks nodepool update --cluster-name unique -g myResourceGroup -n pool1 --enable-vtpm
plain Q7 "scale sets alone" fails 1 VirtualMachineScaleSets add avset --enable-secure-boot --vm-set-type AvailabilitySet
nothing_is_sent() { # FEATURE
  local before after
  before=$(pool pool1 | jq -r .eTag)
  fails 1 "exclude each other" update pool1 "--enable-$1" "--disable-$1" || return 1
  after=$(pool pool1 | jq -r .eTag)
  # Without a server, too, it is the same mistake.
  [[ -n $before && $before == "$after" ]] && SLIPWAY_CONFIG_DIR=$work/nobody fails 1 "exclude each other" update pool1 "--enable-$1" "--disable-$1"
}
plain Q9 "enable with disable is refused before anything is sent" all "nothing_is_sent vtpm" "nothing_is_sent secure-boot"
