# 1e: what Trusted Launch is not for.
#
# shellcheck shell=bash

plain S32 "generation 2 alone" fails 1 "generation" add gen1 --enable-vtpm --node-vm-size "$(size_where '.generation2 == false')"
plain S46 "not Windows" fails 1 Linux add win --enable-vtpm --os-type Windows
plain S47 "not FIPS" all "fails 1 FIPS add fips --enable-vtpm --enable-fips-image" "fails 1 FIPS add fips --enable-secure-boot --enable-fips-image"
plain S48 "not ARM64" fails 1 arm64 add arm --enable-vtpm --node-vm-size "$(size_where '.architecture == "arm64"')"
plain S49 "not availability sets" fails 1 VirtualMachineScaleSets add avset --enable-vtpm --vm-set-type AvailabilitySet
gpu=$(size_where '.gpu and .trustedLaunch')
plain S50 "a GPU's driver must be skipped" all "fails 1 gpu-driver add gpu --enable-secure-boot --node-vm-size $gpu" \
  "holds '.vmSize == \"$gpu\"' add gpu --enable-secure-boot --node-vm-size $gpu --gpu-driver None --node-count 0" \
  "holds '.vmSize == \"$gpu\"' add gpu2 --enable-secure-boot --node-vm-size $gpu --skip-gpu-driver-install --node-count 0" \
  "holds '.vmSize == \"$gpu\"' add gpu3 --enable-secure-boot --node-vm-size $gpu --tags SkipGPUDriverInstall=true --node-count 0"
ephemeral=$(size_where '.ephemeralDiskGiB >= 64 and .trustedLaunch')
plain S51 "ephemeral OS disks" holds '.osDiskType == "Ephemeral"' add ephemeral --enable-vtpm --node-osdisk-type Ephemeral --node-vm-size "$ephemeral" --node-count 0
plain S52 "every region" all "slipway group create --name elsewhere --location westeurope --output none" \
  "holds '.location == \"westeurope\"' slipway aks create -g elsewhere -n c --location westeurope --node-count 1 --enable-vtpm --enable-secure-boot --node-osdisk-type Ephemeral --node-vm-size $ephemeral --generate-ssh-keys --no-wait"
plain S53 "a size without room for one is refused with others" all "fails 1 ephemeral add eph2 --enable-vtpm --node-osdisk-type Ephemeral --node-vm-size $(size_where '.ephemeralDiskGiB == 0 and .trustedLaunch')" \
  "fails 1 'use ' add eph2 --enable-vtpm --node-osdisk-type Ephemeral --node-vm-size $(size_where '.ephemeralDiskGiB == 0 and .trustedLaunch')"
plain S24 "an operating system that is not supported is refused by name" all "fails 1 Flatcar add flat --enable-vtpm --os-sku Flatcar" "fails 1 Windows add win2 --enable-vtpm --os-type Windows --os-sku Windows2022"
# A boot file's signature, and the same file without one: the directory's entry at 232 names the last 16 bytes.
preflight() {
  local file=$repository/tests/corpus/fuzz/pe_image/small-shim.efi image
  head -c 656 "$file" > "$work/unsigned.efi"
  head -c 8 /dev/zero | dd of="$work/unsigned.efi" bs=1 seek=232 conv=notrunc status=none
  says 'Not signed' slipway inspect pe "$work/unsigned.efi" || return 1
  ! says 'Not signed' slipway inspect pe "$file" 2> /dev/null || return 1
  # Where a node image is at hand: each of its three programs has a signer.
  image=$(find "${SLIPWAY_CACHE:-/nonexistent}/images" -name '*TL*.qcow2' 2> /dev/null | head -n 1)
  [[ -z $image ]] || holds '[.files[] | select(.role == "shim" or .role == "grub" or .role == "kernel")] | length == 3 and all(.signers | length > 0)' \
    slipway inspect image "$image" -o json
}
plain S33 "a preflight of boot files reports what is not signed" preflight
