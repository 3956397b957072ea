# Sourced after harness.bash: the real Azure CLI, in its Debian 13 root. The root is shared by all runs, so that it is
# mounted read-only here, with a folder of this run's own as its /tmp.
#
# shellcheck shell=bash

# Enters a mount namespace of this run's own, once: `enter_az "$0" "$@"` first thing in a test.
enter_az() {
  [[ -z ${SLIPWAY_AZ_ROOT:-} ]] || return 0
  local root status=0 log
  log=$(mktemp)
  root=$("$(dirname "${BASH_SOURCE[0]}")/fetch-azure-cli" 2> "$log") || status=$?
  cat "$log" >&2
  if ((status == 77)); then
    skip "$(basename "$1"): $(tail -n 1 "$log")"
    rm -f "$log"
    exit 0
  fi
  rm -f "$log"
  ((status == 0)) || { bad "$(basename "$1"): fetch-azure-cli ended with status $status"; exit 0; }
  export SLIPWAY_AZ_ROOT=$root
  exec unshare --mount --propagation private "$@"
}

# Mounts the root for this run; $az_home is the folder of az's user, here and (as /tmp/home) in there.
mount_az() {
  mkdir -p "$work/root" "$work/az/home" "$work/az/config"
  az_home=$work/az/home
  mount --bind "$SLIPWAY_AZ_ROOT" "$work/root"
  mount -o remount,bind,ro "$work/root"
  mount --bind "$work/az" "$work/root/tmp"
  mount --bind /dev "$work/root/dev"
  az_config=/tmp/config
  instance_discovery=false
}
leave() { umount "$work/root/tmp" "$work/root/dev" "$work/root"; }

# in_root COMMAND...: with nothing of this machine's environment but what az needs.
in_root() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp/home LANG=C.UTF-8 REQUESTS_CA_BUNDLE=/tmp/ca.pem AZURE_CONFIG_DIR="$az_config" \
    AZURE_CORE_COLLECT_TELEMETRY=no AZURE_EXTENSION_USE_DYNAMIC_INSTALL=no \
    ${instance_discovery:+AZURE_CORE_INSTANCE_DISCOVERY="$instance_discovery"} \
    chroot "$work/root" "$@"
}
az() { in_root /usr/bin/az "$@"; }
