# 1d: before you begin.
#
# shellcheck shell=bash

version_at_least() { # MINIMUM
  local version
  version=$(slipway version --query '"azure-cli"' -o tsv) || return 1
  [[ $(printf '%s\n' "$1" "$version" | sort -V | head -n 1) == "$1" ]]
}
plain S26 "azure-cli's level is 2.44.1 or later" version_at_least 2.44.1
plain S27 "--version shows the version" says "slipway $(sed -n 's/^project(slipway VERSION \([0-9.]*\).*/\1/p' "$repository/CMakeLists.txt")" az --version
upgrade_says_how() {
  local before after
  before=$(sha256sum < "$programs/slipway")
  says "cmake --build" az upgrade --yes || return 1
  after=$(sha256sum < "$programs/slipway")
  [[ $before == "$after" ]]
}
plain S28 "upgrade says how, and changes nothing" upgrade_says_how
plain S29 "aks-preview is 1.0.0b6 or later, in Python's order" all \
  "fails 1 'older than' slipway extension add --name aks-preview --version 99.0" \
  "slipway extension add --name aks-preview --version 1.0.0b6" "slipway extension add --name aks-preview --version 1.0.0b10" \
  "holds '.version == \"1.0.0\"' slipway extension show --name aks-preview"
plain S39 "extension add, twice" all "az extension add --name aks-preview" "az extension add --name aks-preview" \
  "holds '[.[].name] == [\"aks-preview\"]' az extension list"
plain S40 "extension update" says latest az extension update --name aks-preview

add_to_early() { slipway aks nodepool add --resource-group myResourceGroup --cluster-name early --name "$1" --node-count 1 "${@:2}" --output json; }
plain S30 "Trusted Launch is refused before the feature is registered" all \
  "fails 1 TrustedLaunchPreview add_to_early tl --enable-vtpm" "fails 1 TrustedLaunchPreview add_to_early tl --enable-secure-boot" \
  "fails 1 TrustedLaunchPreview slipway aks create -g myResourceGroup -n other --node-count 1 --generate-ssh-keys --enable-vtpm"
plain S34 "previews are off until somebody opts in" all "feature_is NotRegistered" "add_to_early plain"

register() { az feature register --namespace "Microsoft.ContainerService" --name "TrustedLaunchPreview"; }
first_register() {
  register > "$work/register.json" 2> "$work/register.err" || return 1
  jq --exit-status '.properties.state == "Registering"' "$work/register.json"
}
plain S41 "feature register: Registering" first_register
terms_once() { # TEXT: on the first registration, and never again
  grep --quiet --ignore-case --fixed-strings -- "$1" "$work/register.err" || { cat "$work/register.err" >&2; return 1; }
  ! register 2>&1 > /dev/null | grep --quiet --ignore-case --fixed-strings -- "$1"
}
plain S35 "the terms: as is, as available" all "terms_once '\"as is\"'" "terms_once '\"as available\"'"
plain S36 "the terms: no service level, no warranty" all "terms_once 'service level agreement'" "terms_once 'limited warranty'"
plain S37 "the terms: support as best effort" terms_once "best effort"
plain S38 "the terms: not for production; the feature says preview" all "terms_once 'not meant for production'" \
  "holds '.properties.preview == true' slipway feature show --name TrustedLaunchPreview"
plain S42 "after a while: Registered" until_true 30 feature_is Registered
plain S43 "feature show" holds '.name == "Microsoft.ContainerService/TrustedLaunchPreview" and .properties.state == "Registered"' \
  az feature show --namespace "Microsoft.ContainerService" --name "TrustedLaunchPreview"
plain S45 "out of order it has no effect, and a hint" fails 1 "provider register" add_to_early tl --enable-vtpm
plain S44 "provider register makes it count" all \
  "holds '.registrationState == \"Registered\"' az provider register --namespace 'Microsoft.ContainerService' --wait" \
  "holds '.properties.effective == true' slipway feature show --name TrustedLaunchPreview"
create_with_version() { slipway aks create -g myResourceGroup -n "v${1//./}" -k "$1" --node-count 1 --enable-vtpm --generate-ssh-keys --no-wait; }
plain S31 "1.25.1 is refused, 1.25.2 accepted" all "fails 1 1.25.2 create_with_version 1.25.1" \
  "holds '.kubernetesVersion == \"1.25.2\"' create_with_version 1.25.2"
