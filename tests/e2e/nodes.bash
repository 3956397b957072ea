# Sourced by vm_test: what a good node is, in all four combinations, and what it may not do.
#
# shellcheck shell=bash

# The agent again, in the same guest and with the same secret, but with keys of its own: a liar at the right address.
secret_is_good_once() {
  local node names
  node=$(node_of one none)
  inspector one "$node"
  names=$(kubectl one get nodes --output name)
  # shellcheck disable=SC2016 # the variable is the guest's
  refused "a one-time secret that was used is refused" SecretUsed in_node one "$node" sh -c \
    'bootstrap=$(find /run/credentials -name slipway.bootstrap | head -n 1); timeout 30 slipway-agent --bootstrap "$bootstrap" --state /run/liar --cni /run/liar-cni --tcti device:/nonexistent 2>&1; test -e /run/liar/admitted'
  try "the liar got no certificate" in_node one "$node" sh -c 'test -e /run/liar/pki/pending-client.key && ! test -e /run/liar/pki/client.pem && ! test -e /run/liar/pki/serving.pem'
  try "the liar is nowhere in Kubernetes" test "$(kubectl one get nodes --output name)" = "$names"
}
# The three other combinations, one at a time: an idle node costs most of a core under software emulation. A node without
# a vTPM cannot prove its boot: it comes in by its one-time secret, and its state says so.
second_key='' second_secure_boot=''
pool_is_as_labelled() { # POOL FLAG LABELS VERDICT
  read -r -a flags <<< "$2"
  try "pool $1 is created" slipway aks nodepool add --resource-group "$group" --cluster-name one --name "$1" --node-count 1 "${flags[@]}"
  expect_labels "$1" "$3"
  try "the verdict on pool $1's node: $4" test "$(field_of "$(node_of one "$1")" verdict)" = "$4"
  if [[ $1 == vtpmonly ]]; then
    local second
    second=$(node_of one vtpmonly)
    inspector one "$second"
    try "a guest without Secure Boot, whose firmware knows no key yet, can write db" writes_db "$second"
    second_key=$(endorsement_key "$second")
    second_secure_boot=$(secure_boot_byte "$second")
    boots_as_predicted "a second VM, Secure Boot off" "$second" off
  fi
  [[ $1 != none ]] || secret_is_good_once
  try "pool $1 is deleted" slipway aks nodepool delete --resource-group "$group" --cluster-name one --name "$1" --yes
}
# An update of db that is well formed and signed, by a key that no firmware knows: what it says to that is an answer to
# the signature and to nothing else.
stranger=$state/client/stranger
foreign_update() {
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger/ -days 1 -keyout "$stranger.key" -out "$stranger.crt" &&
    openssl x509 -in "$stranger.crt" -outform DER -out "$stranger.der" || return 1
  # EFI_SIGNATURE_LIST of one certificate (UEFI 2.9, 32.4.1): type, three sizes, owner.
  python3 - "$stranger.der" > "$stranger.esl" <<'PYTHON' || return 1
import struct, sys, uuid
certificate = open(sys.argv[1], "rb").read()
size = 16 + len(certificate)
sys.stdout.buffer.write(uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le + struct.pack("<III", 28 + size, 0, size) + bytes(16) + certificate)
PYTHON
  sbvarsign --key "$stranger.key" --cert "$stranger.crt" --include-attrs --output "$stranger.update" \
    --attr NON_VOLATILE,BOOTSERVICE_ACCESS,RUNTIME_ACCESS,TIME_BASED_AUTHENTICATED_WRITE_ACCESS db "$stranger.esl"
}
try "an update of db can be signed by a stranger" foreign_update
database=/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f
writes_db() { # NODE: in one write, as efivarfs asks for
  kubectl one exec --stdin "inspector-$1" -- chroot /host sh -ec "cat > /run/update; cat /run/update > $database" < "$stranger.update"
}

pool_is_as_labelled vtpmonly --enable-vtpm "true - -" trusted
pool_is_as_labelled sbonly --enable-secure-boot "- true -" hostObserved
pool_is_as_labelled none "" "- - -" hostObserved
try "deleted nodes are gone from Kubernetes" test "$(kubectl one get nodes --output name | wc -l)" = 1

# What the guest sees.
inspector one "$first"
try "SecureBoot is 1 in the guest" test "$(secure_boot_byte "$first")" = 1
try "SecureBoot is 0 where it was not asked for" test "$second_secure_boot" = 0
try "the guest has /dev/tpmrm0" in_node one "$first" test -c /dev/tpmrm0

first_key=$(endorsement_key "$first")
echo "$first_key / $second_key" >&2
try "the EKs of two VMs differ" test -n "$first_key" -a -n "$second_key" -a "$first_key" != "$second_key"
# S7, S8.
says_two() { in_node one "$first" tpm2_getcap properties-fixed | grep -A 2 '^TPM2_PT_FAMILY_INDICATOR:' | grep '"2.0"'; }
try "the TPM says that it is of family 2.0" says_two
# shellcheck disable=SC2016 # the variables are the guest's
duplicates='d=$(mktemp -d /run/duplicate.XXXXXX); cd "$d"; tpm2_createprimary -Q -C o -c primary;
  tpm2_startauthsession -Q -S session; tpm2_policycommandcode -Q -S session -L policy TPM2_CC_Duplicate; tpm2_flushcontext session;
  tpm2_create -Q -C primary -u u -r r -L policy -a "$1"; tpm2_flushcontext -t; tpm2_load -Q -C primary -u u -r r -c key; tpm2_flushcontext -t;
  tpm2_startauthsession -Q --policy-session -S session; tpm2_policycommandcode -Q -S session TPM2_CC_Duplicate;
  status=0; tpm2_duplicate -C null -c key -G null -r copy -s seed -p session:session || status=$?;
  tpm2_flushcontext session; tpm2_flushcontext -t; exit $status'
try "a key that may move leaves the TPM" in_node one "$first" sh -ec "$duplicates" sh 'sensitivedataorigin|userwithauth|sign'
refused "a key of this TPM alone does not leave it" 'Esys_Duplicate.*inconsistent attributes' in_node one "$first" sh -ec "$duplicates" sh 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
# shellcheck disable=SC2016
try "seal and unseal" in_node one "$first" sh -ec 'd=$(mktemp -d /run/seal.XXXXXX); cd "$d"; tpm2_createprimary -Q -C o -c primary; echo -n secret | tpm2_create -Q -C primary -i - -u u -r r;
  tpm2_load -Q -C primary -u u -r r -c sealed; tpm2_flushcontext -t; test "$(tpm2_unseal -c sealed)" = secret'
# shellcheck disable=SC2016
try "NV write and read" in_node one "$first" sh -ec 'tpm2_nvdefine -Q -C o -s 8 -a "ownerread|ownerwrite" 0x1500020; echo -n 12345678 | tpm2_nvwrite -Q -C o -i - 0x1500020; test "$(tpm2_nvread -C o 0x1500020)" = 12345678; tpm2_nvundefine -Q -C o 0x1500020'
replay_equals() {
  in_node one "$1" cat /sys/kernel/security/tpm0/binary_bios_measurements > "$state/client/log.bin" || return 1
  in_node one "$1" tpm2_pcrread sha256:0,1,2,3,4,5,6,7,8,9,14 | grep -oiE '[0-9]+ *: 0x[0-9a-f]+' | tr -d ' ' | tr A-F a-f > "$state/client/pcrs"
  tpm2_eventlog "$state/client/log.bin" | sed -n '/^pcrs:/,$p' | grep -oiE '[0-9]+ *: 0x[0-9a-f]+' | tr -d ' ' | tr A-F a-f > "$state/client/replay"
  diff "$state/client/pcrs" "$state/client/replay" && [[ $(wc -l < "$state/client/pcrs") == 11 ]]
}
try "the firmware's log replays to the TPM's PCRs" replay_equals "$first"

boots_as_predicted "the first boot" "$first" on

# 0 to 100, of the unit as it runs; the rest is the network and /dev/tpmrm0, which are its work.
try "the agent's sandbox has an exposure of at most 2.0 of 10" in_node one "$first" systemd-analyze security --no-pager --threshold=20 slipway-agent.service

# What the guest's root may not do.
db_digest() { in_node one "$first" sha256sum "$database"; }
db_before=$(db_digest)
try "db can be opened for writing in the guest" in_node one "$first" chattr -i "$database"
db_write_is_denied() { local words; words=$(writes_db "$first" 2>&1) && return 1; echo "$words"; [[ $words == *"Permission denied"* ]]; }
try "the firmware denies the guest to write db" db_write_is_denied
try "db is as it was" test -n "$db_before" -a "$(db_digest)" = "$db_before"
refused "the root is read-only under dm-verity" "Read-only file system" in_node one "$first" sh -c 'echo x > /usr/bin/x'

# Pods.
kubectl one apply -f - >&2 <<'JSON'
{"apiVersion": "v1", "kind": "List", "items": [
 {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "trusted", "labels": {"app": "trusted"}},
  "spec": {"nodeSelector": {"kubernetes.azure.com/trusted-launch": "true", "kubernetes.azure.com/secure-boot": "true"},
   "containers": [{"name": "main", "image": "docker.io/library/busybox:1.35", "imagePullPolicy": "IfNotPresent",
    "command": ["sh", "-c", "mkdir /www && echo hello > /www/index.html && echo serving && exec httpd -f -p 8080 -h /www"]}]}},
 {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "trusted"}, "spec": {"selector": {"app": "trusted"}, "ports": [{"port": 80, "targetPort": 8080}]}}]}
JSON
try "a pod with nodeSelector on both trust labels runs" kubectl one wait --for=condition=Ready pod/trusted --timeout=240s
try "kubectl logs" test "$(kubectl one logs trusted)" = serving
try "kubectl exec" test "$(kubectl one exec trusted -- cat /www/index.html)" = hello
address=$(kubectl one get service trusted --output jsonpath='{.spec.clusterIP}')
# Debian's static busybox has a wget that looks up names by libraries that its image has not: nc asks for the page.
asks_service() { kubectl one exec trusted -- sh -c "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 $address 80" | grep --quiet --line-regexp hello; }
try "a Service answers on its cluster address" until_true 60 asks_service

# Who may not reach what.
server=$(kubectl one config view --minify --output jsonpath='{.clusters[0].cluster.server}')
gateway=$(in_node one "$first" ip -4 route show default | awk '{ print $3 }')
pod_dials() { kubectl one exec trusted -- sh -c "nc -w 4 $1 $2 < /dev/null"; }
try "from a pod the apiserver's port answers" pod_dials "$gateway" "${server##*:}"
# Somebody listens there, on every address of the host; slipwayd itself has the same port on loopback alone.
own_address=$(ip -4 -json route get 192.0.2.1 | jq -r '.[0].prefsrc')
python3 -c 'import signal, socket, sys
sockets = [socket.create_server((address, int(sys.argv[1]))) for address in sys.argv[2:]]
print("listening", flush=True)
signal.pause()' "$port" "$gateway" "$own_address" > "$state/client/listener" &
listener=$!
until_true 30 grep --quiet listening "$state/client/listener"
for address in "$gateway" "$own_address"; do
  try "the host itself reaches $address on the port of the management API" timeout 5 bash -c ": < /dev/tcp/$address/$port"
  refused "from a pod $address does not answer on the port of the management API" "nc: .*(Connection refused|timed out|unreachable)" pod_dials "$address" "$port"
done
kill "$listener"
# Each file that there is of this installation, opened as nobody; one that everybody may read shows that the check can see.
everybodys=$(mktemp /tmp/everybodys.XXXXXX)
chmod 0644 "$everybodys"
readable_by_nobody() {
  { find "$state" /var/lib/libvirt/slipway /var/lib/libvirt/swtpm "$everybodys" -type f -print0
    find /etc/libvirt /var/lib/libvirt /var/log /run -name "*$first*" -type f -print0; } > "$state/client/files"
  # shellcheck disable=SC2016
  setpriv --reuid 65534 --regid 65534 --clear-groups xargs -0 sh -c 'for f; do if head -c 1 "$f" > /dev/null 2>&1; then echo "$f"; fi; done' sh < "$state/client/files"
}
files_are_closed() {
  local readable secret
  readable=$(readable_by_nobody)
  echo "$(tr -cd '\0' < "$state/client/files" | wc -c) files, readable by everybody: $readable"
  # The node image has nothing secret in it, and libvirt's file of a process id no more than that.
  secret=$(grep --invert-match --extended-regexp '^(/var/lib/libvirt/slipway/[^/]+/images/[0-9a-f]+\.qcow2|/run/libvirt/qemu/[^/]+\.pid)$' <<< "$readable")
  tr '\0' '\n' < "$state/client/files" | grep --quiet "^/var/lib/libvirt/slipway/.*/disk.qcow2$" && [[ $secret == "$everybodys" ]]
}
try "nobody on the host reads nothing of a cluster" files_are_closed
rm -f "$everybodys"
# And its sockets: QEMU's, swtpm's, those of hosted programs. One that everybody may use shows that the check can connect.
sockets_open_to_nobody() {
  find "$state" /var/lib/libvirt/{slipway,swtpm,qemu} /run/libvirt/qemu -type s > "$state/client/sockets"
  setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 -c 'import socket, sys
for path in sys.stdin.read().split("\n")[:-1]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print(path)
    except PermissionError:
        pass
    except OSError as error:
        print(path, error)' < <(cat "$state/client/sockets"; echo "$everybodys")
}
sockets_are_closed() {
  local open
  open=$(sockets_open_to_nobody)
  echo "$(wc -l < "$state/client/sockets") sockets, open to everybody: $open"
  [[ -s $state/client/sockets && $open == "$everybodys" ]]
}
everybodys=$(mktemp --directory /tmp/everybodys.XXXXXX)/socket
python3 -c 'import os, signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.chmod(sys.argv[1], 0o666)
os.chmod(os.path.dirname(sys.argv[1]), 0o755)
signal.pause()' "$everybodys" &
listener=$!
until_true 30 test -S "$everybodys"
until_true 10 sockets_are_closed || true
try "nobody on the host connects to a socket of a cluster" sockets_are_closed
kill "$listener"
rm -rf "${everybodys%/socket}"

# slipwayd dead: heartbeats go on, and what dies comes back.
stop_slipwayd KILL
heartbeat() { kubectl one get lease --namespace kube-node-lease "$first" --output jsonpath='{.spec.renewTime}'; }
before=$(heartbeat)
moved() { [[ $(heartbeat) > $before ]]; }
try "heartbeats go on while slipwayd is dead" until_true 60 moved
apiserver() { pgrep --full -- "^kube-apiserver .*--secure-port=${server##*:} "; }
old=$(apiserver)
try "there is one apiserver to kill" kill -KILL "${old:-none}"
comes_back() { local new; new=$(apiserver) && [[ -n $old && $new != "$old" ]] && kubectl one get --raw /readyz; }
try "an apiserver killed while slipwayd is dead comes back" until_true 120 comes_back
start_slipwayd
still_ready() { [[ $(field_of "$first" phase) == Ready && $(kubectl one get node "$first" --output json | jq -r '.status.conditions[] | select(.type == "Ready").status') == True ]]; }
try "the node is Ready after all that" until_true 180 still_ready

# A module from elsewhere, even a signed one, is seen in the next evidence.
# shellcheck disable=SC2016
unsigned_module='m=$(find /lib/modules -name "dummy.ko*" | head -n 1); test -n "$m"; cp "$m" /run/m.ko; case $m in *.xz) xz -dc "$m" > /run/m.ko ;; esac; size=$(stat -c %s /run/m.ko); head -c $((size - 600)) /run/m.ko > /run/unsigned.ko; head -c 100000 /dev/zero >> /run/unsigned.ko'
try "an unsigned module can be made from a signed one" in_node one "$first" sh -ec "$unsigned_module"
refused "an unsigned module is not loaded" "Key was rejected by service" in_node one "$first" insmod /run/unsigned.ko
try "the signed one is" in_node one "$first" insmod /run/m.ko
report_names() { # TEXT
  [[ $(field_of "$first" phase) == Untrusted ]] && slipway node boot "$first" --output json | grep --quiet --fixed-strings -- "$1"
}
try "a module from outside of the image: the node is Untrusted, and the report names it" until_true 420 report_names /run/m.ko

# The same node again: an orderly reboot, then its power cut off. Each boot is appraised anew and measures the same.
boot_id() { in_node one "$first" cat /proc/sys/kernel/random/boot_id; }
booted_again() { # since $old_boot; the VM may still be on its way down
  local now
  now=$(boot_id) && [[ -n $now && $now != "$old_boot" && $(field_of "$first" phase)/$(field_of "$first" verdict) == Ready/trusted ]]
}
domain=$(virsh list --name | grep --fixed-strings -- "$first")
old_boot=$(boot_id)
in_node one "$first" systemctl reboot >&2
try "a warm reboot: the node comes back, Ready and trusted" until_true 480 booted_again
boots_as_predicted "a warm reboot" "$first" on
old_boot=$(boot_id)
virsh destroy "$domain" >&2
try "a power cut: the VM is started again, Ready and trusted" until_true 480 booted_again
boots_as_predicted "a power cut" "$first" on
