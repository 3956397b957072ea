#include "kube/hosted/supervised_plane.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "kube/hosted/component_flags.h"
#include "kube/hosted/supervisor.h"

namespace slipway::kube {
namespace {

constexpr const char* kSupervisorFile = "supervisor.json";
constexpr int kHandOverMilliseconds = 15000;
// More than the supervisor itself gives its five programs.
constexpr std::chrono::milliseconds kSupervisorGrace{60000};
constexpr std::chrono::milliseconds kOrphanGrace{8000};

// Tells builds of one path apart.
Result<std::string> version_of(const std::string& program) {
  struct stat status {};
  if (stat(program.c_str(), &status) != 0)
    return fail(ErrorCode::kUnavailable, fmt::format("the program {} is missing ({}); packaging/kubernetes/fetch gets "
                                                     "Kubernetes, the package etcd-server has etcd",
                                                     program, std::strerror(errno)));
  return fmt::format("{}-{}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

Result<files::Descriptor> open_program(const std::string& program) {
  files::Descriptor descriptor(open(program.c_str(), O_PATH | O_CLOEXEC));
  if (!descriptor)
    return fail(ErrorCode::kUnavailable,
                fmt::format("the program {} cannot be opened: {}", program, std::strerror(errno)));
  return descriptor;
}

std::string supervisor_path(const HostedOptions& options) {
  return (options.programs_folder / "slipway-supervisor").string();
}

// The supervisor as a program of its own: what it was started as is what its plan and its build were.
Result<std::string> supervisor_digest(const HostedOptions& options, const HostedPlan& plan) {
  HostedProgram self;
  self.program = supervisor_path(options);
  SLIPWAY_ASSIGN(self.revision, version_of(self.program));
  self.arguments = {to_json(plan)};
  return digest_of(self);
}

Result<std::optional<RecordedProcess>> recorded_supervisor(const PrivateFolder& folder) {
  SLIPWAY_ASSIGN(const std::optional<std::string> text, folder.read(kSupervisorFile));
  if (!text) return std::optional<RecordedProcess>();
  SLIPWAY_ASSIGN(std::vector<RecordedProcess> recorded, processes_from_json(*text));
  if (recorded.empty()) return std::optional<RecordedProcess>();
  return std::move(recorded.front());
}

// Makes the supervisor return with its programs left running. One that does not answer in time is killed, which
// leaves them running as well.
Status hand_over(const ProcessIdentity& supervisor, uid_t user) {
  const Result<files::Descriptor> watched = watch(supervisor, user);
  if (!watched) return {};
  static_cast<void>(send_signal(supervisor, user, SIGUSR1));
  pollfd ended{watched->get(), POLLIN, 0};
  if (poll(&ended, 1, kHandOverMilliseconds) == 1) {
    waitpid(supervisor.pid, nullptr, WNOHANG);
    return {};
  }
  return stop(supervisor, user, std::chrono::milliseconds(0));
}

Status start_supervisor(const HostedOptions& options, const PrivateFolder& cluster_folder,
                        const PrivateFolder& run_folder, const HostedPlan& plan, const std::string& digest) {
  std::vector<files::Descriptor> programs;
  Launch wanted;
  for (const HostedProgram& program : plan.programs) {
    SLIPWAY_ASSIGN(files::Descriptor descriptor, open_program(program.program));
    wanted.inherited.push_back(descriptor.get());
    programs.push_back(std::move(descriptor));
  }
  SLIPWAY_ASSIGN(const files::Descriptor self, open_program(supervisor_path(options)));
  SLIPWAY_ASSIGN(const files::Descriptor log, run_folder.open_log("logs/supervisor.log"));
  wanted.arguments = {"slipway-supervisor", std::to_string(plan.programs.size())};
  wanted.program = self.get();
  wanted.folder = run_folder.descriptor();
  wanted.log = log.get();
  wanted.account = run_folder.owner();
  SLIPWAY_TRY(launch(wanted, [&](const ProcessIdentity& identity) {
    return cluster_folder.write(kSupervisorFile,
                                to_json(std::vector<RecordedProcess>{{"slipway-supervisor", digest, identity}}));
  }));
  return {};
}

}  // namespace

Result<HostedPlan> make_plan(const HostedOptions& options, const ClusterRecord& record,
                             const std::map<std::string, std::string>& revisions) {
  SLIPWAY_ASSIGN(const int minor, minor_version(options.kubernetes_folder.filename().string()));
  const ClusterSpec& spec = record.spec;
  const std::map<std::string, std::string> values{
      {"advertise_address", spec.advertise_address},
      {"apiserver_port", std::to_string(record.ports.apiserver)},
      {"etcd_port", std::to_string(record.ports.etcd)},
      {"etcd_peer_port", std::to_string(record.ports.etcd_peer)},
      {"service_cidr", spec.service_cidr},
      // Kubernetes refuses loopback addresses as endpoints of the service "kubernetes".
      {"endpoint_reconciler", spec.advertise_address.starts_with("127.") ? "none" : "lease"}};
  const std::string apiserver = fmt::format("{}:{}", spec.advertise_address, record.ports.apiserver);
  const auto kubernetes = [&](const char* name) { return (options.kubernetes_folder / name).string(); };

  HostedPlan plan;
  SLIPWAY_ASSIGN(auto etcd, component_arguments(Component::kEtcd, minor, values));
  plan.programs.push_back({"etcd", options.etcd.string(), std::move(etcd), "", ""});
  plan.programs.push_back(
      {"slipway-label-webhook",
       (options.programs_folder / "slipway-label-webhook").string(),
       {std::to_string(record.ports.webhook), "pki/webhook.pem", "pki/webhook.key", "pki/front-proxy-ca.pem"},
       "",
       ""});
  SLIPWAY_ASSIGN(auto api, component_arguments(Component::kApiserver, minor, values));
  plan.programs.push_back({"kube-apiserver", kubernetes("kube-apiserver"), std::move(api), "",
                           fmt::format("127.0.0.1:{}", record.ports.etcd)});
  SLIPWAY_ASSIGN(auto controllers, component_arguments(Component::kControllerManager, minor, values));
  plan.programs.push_back(
      {"kube-controller-manager", kubernetes("kube-controller-manager"), std::move(controllers), "", apiserver});
  SLIPWAY_ASSIGN(auto scheduler, component_arguments(Component::kScheduler, minor, values));
  plan.programs.push_back({"kube-scheduler", kubernetes("kube-scheduler"), std::move(scheduler), "", apiserver});
  for (HostedProgram& program : plan.programs) {
    SLIPWAY_ASSIGN(const std::string version, version_of(program.program));
    const auto files = revisions.find(program.name);
    program.revision = version + " " + (files == revisions.end() ? "" : files->second);
  }
  return plan;
}

Status ensure_supervisor(const HostedOptions& options, const PrivateFolder& cluster_folder,
                         const PrivateFolder& run_folder, const HostedPlan& plan) {
  SLIPWAY_ASSIGN(const std::string digest, supervisor_digest(options, plan));
  SLIPWAY_ASSIGN(const std::optional<RecordedProcess> recorded, recorded_supervisor(cluster_folder));
  const uid_t user = run_folder.owner().user;
  if (recorded && is_running(recorded->identity, user)) {
    if (recorded->digest == digest) return {};
    SLIPWAY_TRY(hand_over(recorded->identity, user));
  } else if (recorded) {
    // A child of this process that was killed stays a zombie until somebody asks.
    waitpid(recorded->identity.pid, nullptr, WNOHANG);
  }
  SLIPWAY_TRY(run_folder.write(kPlanFile, to_json(plan)));
  return start_supervisor(options, cluster_folder, run_folder, plan, digest);
}

Status stop_plane(const PrivateFolder& cluster_folder, const PrivateFolder& run_folder) {
  SLIPWAY_ASSIGN(const std::optional<RecordedProcess> recorded, recorded_supervisor(cluster_folder));
  if (recorded) SLIPWAY_TRY(stop(recorded->identity, run_folder.owner().user, kSupervisorGrace));
  return stop_recorded_processes(run_folder, kOrphanGrace);
}

}  // namespace slipway::kube
