#pragma once

#include "attestation/policy.h"
#include "attestation/verdict.h"
#include "bootchain/verified_boot.h"

namespace slipway::attestation {

// Judges the kernel's own log, docs/formats/policy.md, "IMA". Entries are a set: their order is that of the machine's
// scheduler. The one exception is the end of the initrd, whose programs all ran before anything of the node's own
// could.
//   ima.entry      an entry that cannot be read, or of a template without the file's digest
//   ima.aggregate  the first entry is the kernel's boot_aggregate, over the verified PCR 0 to 9
//   ima.module     a kernel module from outside of /usr/lib/modules
//   ima.firmware   device firmware from outside of /usr/lib/firmware
//   ima.kexec      a kernel or initrd for kexec, or a policy of IMA: no node loads any
//   ima.program    a program or library from outside of the root and the allowed paths; not where `root_is_measured`,
//                  because the log then holds each file that root reads, and does not tell reading from running
//   ima.violation  a file that was written while it was measured
// At most 16 findings of each rule; a log without entries has none.
void judge_ima(const bootchain::VerifiedBoot& boot, bool root_is_measured, const AllowedPaths& allowed_programs,
               std::vector<Finding>& findings);

}  // namespace slipway::attestation
