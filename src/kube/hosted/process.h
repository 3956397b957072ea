#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kube/hosted/private_folder.h"

namespace slipway::kube {

// Which process is meant, beyond doubt: a pid is used again, but not with the same start time in the same boot.
struct ProcessIdentity {
  int pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat: clock ticks since boot
  std::string boot_id;            // /proc/sys/kernel/random/boot_id
  bool operator==(const ProcessIdentity&) const = default;
};

// kNotFound where there is no such process, or where it is a zombie.
Result<ProcessIdentity> identify(int pid);
// True on a full match with a live process of the given user.
bool is_running(const ProcessIdentity& identity, uid_t user);
// Becomes readable when the process ends; kNotFound unless is_running() held for the process behind it.
Result<files::Descriptor> watch(const ProcessIdentity& identity, uid_t user);
// Signals exactly that process; kNotFound where it has ended.
Status send_signal(const ProcessIdentity& identity, uid_t user, int signal);
// SIGTERM, and SIGKILL if it has not ended after `grace`; returns when it is gone. Absent is fine.
Status stop(const ProcessIdentity& identity, uid_t user, std::chrono::milliseconds grace);

// A program to start: everything is opened beforehand, so the account needs no path to it.
struct Launch {
  std::vector<std::string> arguments;  // the first is the program's name
  int program = -1;                    // open descriptor of the executable
  int folder = -1;                     // open descriptor of the working folder
  int log = -1;                        // standard output and error
  Account account;
  // Descriptors that the program inherits, as numbers 10, 11, ... in this order.
  std::vector<int> inherited;
};
inline constexpr int kFirstInherited = 10;

// Forks, hands the new process's identity to `record`, and lets it exec only once that has succeeded: a process that
// runs is always one that is on record. It gets a session of its own, an empty environment but PATH, umask 077, and
// outlives its parent. kInternal where exec fails; the child is gone then.
Result<ProcessIdentity> launch(const Launch& launch, const std::function<Status(const ProcessIdentity&)>& record);

}  // namespace slipway::kube
