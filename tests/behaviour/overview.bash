# 1a to 1c: what Trusted Launch is. Nearly all of it is for real VMs to show.
#
# shellcheck shell=bash

# The article's own words, as far as they can be typed: everything else follows from this cluster.
use m
slipway group create --name myResourceGroup --location local --output none

overview_cluster() { # before the feature: S30, S34, S87 look at it
  slipway aks create --name early --resource-group myResourceGroup --node-count 1 --generate-ssh-keys --output none
}
overview_cluster

fails_to_boot=("shim: the node's state is BootRefused" "grub: the node's state is BootRefused" "kernel: the node's state is BootRefused")
only_vm S6 "the guest has a TPM" "the guest has /dev/tpmrm0"
only_vm S7 "it is a TPM 2.0" "the TPM says that it is of family 2.0" "seal and unseal" "NV write and read"
only_vm S8 "it keeps keys and measurements" "a key of this TPM alone does not leave it" "a key that may move leaves the TPM" "seal and unseal" "NV write and read" "the firmware's log replays to the TPM's PCRs"
only_vm S9 "each VM has its own" "the EKs of two VMs differ"
only_vm S10 "it is outside of the VM" "its TPM state stands on the host" "the EKs of two VMs differ" "nobody on the host reads nothing of a cluster"
only_vm S11 "the whole boot chain is measured" "the firmware's log replays to the TPM's PCRs" "initrd-extra-file: the report names '/EFI/debian/initrd'"
later S16 "integrity alerts"
later S17 "an alert names the component"
only_vm S18 "Secure Boot is on in the VM" "SecureBoot is 1 in the guest" "SecureBoot is 0 where it was not asked for"
only_vm S19 "the firmware enforces it" "shim: the report names 'Access Denied'"
only_vm S20 "an unsigned shim, GRUB or kernel does not run" "${fails_to_boot[@]}"
only_vm S21 "an unsigned kernel or module does not load" "kernel: the node's state is BootRefused" "an unsigned module is not loaded" "the signed one is"
only_vm S22 "the guest cannot change who is trusted" "the guest cannot write db"
only_vm S23 "boot loader, kernel and drivers must be signed" "${fails_to_boot[@]}" "an unsigned module is not loaded"
only_vm S25 "an image that fails does not boot, and the API says so" "${fails_to_boot[@]}" "shim: the node is not in Kubernetes"
only_vm S5 "Secure Boot alone and vTPM alone each stop an attack" "kernel: the node's state is BootRefused" "initrd-extra-file: the node's state is Untrusted"
