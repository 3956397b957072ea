# 1i, and Q8 and Q10: a real Kubernetes with simulated VMs.
#
# shellcheck shell=bash

hosted_cluster() {
  use_hosted || return 1
  slipway aks create -g g -n c --node-count 1 --enable-vtpm --enable-secure-boot --generate-ssh-keys --output none || return 1
  slipway aks nodepool add -g g --cluster-name c -n vtpmpool --node-count 1 --enable-vtpm --output none || return 1
  slipway aks nodepool add -g g --cluster-name c -n nonepool --node-count 1 --output none || return 1
  slipway aks get-credentials -g g -n c --admin --file "$work/h/kubeconfig"
}
# S65: what stands in the file already stays, and kubectl works with what comes to it.
credentials_are_merged() {
  mkdir -p "$HOME/.kube" || return 1
  (umask 077 && printf '%s\n' 'apiVersion: v1' 'kind: Config' 'contexts:' '- name: other' '  context: {cluster: o, user: o}' \
    'current-context: other' > "$HOME/.kube/config")
  az aks get-credentials --resource-group g --name c || return 1
  [[ $(stat -c %a "$HOME/.kube/config") == 600 ]] && grep --quiet '^current-context: c$' "$HOME/.kube/config" &&
    grep --quiet clusterUser_g_c "$HOME/.kube/config" || return 1
  [[ $("$kubernetes/kubectl" config get-contexts --output name | sort | tr '\n' ' ') == "c other " ]] &&
    says aks-nodepool1- "$kubernetes/kubectl" get nodes
}
if ! run_check hosted hosted_cluster; then echo "no hosted Kubernetes: see $logs/rows.log" >&4; fi

labels() { # POOL: of its nodes, the three trust labels
  kubectl get nodes --selector "agentpool=$1" --output json | jq -c '[.items[].metadata.labels |
    [.["kubernetes.azure.com/trusted-launch"], .["kubernetes.azure.com/secure-boot"]]] | unique'
}
labels_are() { local found; found=$(labels "$1"); [[ $found == "$2" ]] || { echo "labels of $1: $found" >&2; return 1; }; }
pod() { # NAME SPEC
  jq -n --arg name "$1" --argjson spec "$2" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name, labels: {app: $name}},
    spec: ({containers: [{name: "main", image: "none"}]} + $spec)}' | kubectl apply -f - >&2
}
runs_on() { [[ $(kubectl get pod "$1" --output jsonpath='{.spec.nodeName}') == *"-$2-"* ]]; } # POD POOL
unschedulable() { [[ $(kubectl get pod "$1" --output json | jq -r '.status.conditions[]? | select(.type == "PodScheduled").reason') == Unschedulable ]]; }

plain S65 "get-credentials merges a kubeconfig, and kubectl works" credentials_are_merged
simulated S95 "label trusted-launch on nodes with a vTPM alone" all "labels_are vtpmpool '[[\"true\",null]]'" "labels_are nonepool '[[null,null]]'" -- \
  "labels of pool vtpmonly: true - -" "labels of pool none: - - -"
four_labels() {
  slipway aks nodepool add -g g --cluster-name c -n sbpool --node-count 1 --enable-secure-boot --output none &&
    labels_are sbpool '[[null,"true"]]' && labels_are nodepool1 '[["true","true"]]'
}
pod_waits_for_secure_boot() {
  pod waits '{"nodeSelector": {"kubernetes.azure.com/trusted-launch": "true", "kubernetes.azure.com/secure-boot": "true", "agentpool": "vtpmpool"}}' &&
    until_true 30 unschedulable waits && pod selected '{"nodeSelector": {"kubernetes.azure.com/trusted-launch": "true"}}' &&
    until_true 30 eval '[[ -n $(kubectl get pod selected --output jsonpath="{.spec.nodeName}") ]]' && ! runs_on selected nonepool
}
preferred() { # a preference, which does not forbid
  local term='{"weight": 100, "preference": {"matchExpressions": [{"key": "kubernetes.azure.com/trusted-launch", "operator": "In", "values": ["true"]}]}}'
  pod prefers "{\"affinity\": {\"nodeAffinity\": {\"preferredDuringSchedulingIgnoredDuringExecution\": [$term]}}}" &&
    pod must "{\"nodeSelector\": {\"agentpool\": \"nonepool\"}, \"affinity\": {\"nodeAffinity\": {\"preferredDuringSchedulingIgnoredDuringExecution\": [$term]}}}" &&
    until_true 30 runs_on must nonepool && until_true 30 eval 'runs_on prefers nodepool1 || runs_on prefers vtpmpool'
}
simulated S96 "label secure-boot on nodes with Secure Boot alone" four_labels -- "labels of pool sbonly: - true -" "labels of pool vtpmonly: true - -"
simulated S97 "the two labels are independent" all "labels_are vtpmpool '[[\"true\",null]]'" "labels_are sbpool '[[null,\"true\"]]'" \
  "labels_are nodepool1 '[[\"true\",\"true\"]]'" "labels_are nonepool '[[null,null]]'" -- "labels of pool vtpmonly: true - -" "labels of pool sbonly: - true -" \
  "labels of pool none: - - -" "labels of pool nodepool1: true true TrustedLaunch"
simulated S93 "a pod can be held to Trusted Launch nodes" pod_waits_for_secure_boot -- "a pod with nodeSelector on both trust labels runs"
simulated S94 "or prefer them" preferred
# A node that lies about itself: its kubelet's certificate may not write the labels.
label_is_refused() {
  local node
  node=$(kubectl get nodes --selector agentpool=nonepool --output jsonpath='{.items[0].metadata.name}')
  ! kubectl --as "system:node:$node" --as-group system:nodes label node "$node" kubernetes.azure.com/trusted-launch=true
}
simulated Q10 "labels follow what was verified: a node cannot set its own" all label_is_refused "labels_are nonepool '[[null,null]]'" -- "labels of pool none: - - -" \
  "initrd-extra-file: the node is not in Kubernetes"
simulated S14 "a decision that hangs on attestation: the label" all label_is_refused "labels_are vtpmpool '[[\"true\",null]]'" -- "initrd-extra-file: the node's state is Untrusted" "initrd-extra-file: the node is not in Kubernetes"

# Q8: a PodDisruptionBudget that forbids the drain stops the update, and what was stays.
budget() { # MINIMUM
  kubectl apply -f - >&2 <<JSON
{"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "guarded"},
 "spec": {"minAvailable": $1, "selector": {"matchLabels": {"app": "guarded"}}}}
JSON
}
ready_pods() { [[ $(kubectl get poddisruptionbudget guarded --output jsonpath='{.status.currentHealthy}') == 1 ]]; }
drain_waits_for_the_budget() {
  local before
  before=$(kubectl get nodes --selector agentpool=vtpmpool --output name)
  pod guarded '{"nodeSelector": {"agentpool": "vtpmpool"}}' && budget 1 && until_true 60 ready_pods || return 1
  slipway aks nodepool update -g g --cluster-name c -n vtpmpool --enable-secure-boot --no-wait --output none || return 1
  until_true 60 eval '[[ $(kubectl get $before --output jsonpath="{.spec.unschedulable}") == true ]]' || return 1
  sleep 3
  kubectl get pod guarded >&2 && [[ $(kubectl get nodes --selector agentpool=vtpmpool --output name) == *"$before"* ]] || { echo "the budget was broken" >&2; return 1; }
  budget 0 && slipway aks nodepool wait -g g --cluster-name c -n vtpmpool --updated --interval 1 --timeout 120 || return 1
  ! kubectl get "$before" 2> /dev/null && labels_are vtpmpool '[["true","true"]]'
}
simulated Q8 "cordon, drain by eviction with its budget, replace" drain_waits_for_the_budget
