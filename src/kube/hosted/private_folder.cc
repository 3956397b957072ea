#include "kube/hosted/private_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace slipway::kube {
namespace {

// Never kNotFound: that would say that there is no such cluster.
Error folder_error(const std::string& what) {
  Error error = files::system_error(what);
  if (error.code != ErrorCode::kResourceExhausted) error.code = ErrorCode::kInternal;
  return error;
}

// This thread's file accesses with an account's rights, until the end of the scope.
class ActingAs {
 public:
  explicit ActingAs(Account account) : user_(geteuid()), group_(getegid()) {
    acting_ = account.user != user_;
    if (!acting_) return;
    setfsgid(account.group);
    setfsuid(account.user);
  }
  ~ActingAs() {
    if (!acting_) return;
    setfsuid(user_);
    setfsgid(group_);
  }
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  uid_t user_;
  gid_t group_;
  bool acting_ = false;
};

std::optional<Account> find_account(const std::string& name) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return Account{found->pw_uid, found->pw_gid};
}

bool run_useradd(const std::string& name) {
  std::vector<std::string> words{"useradd", "--system",          "--no-create-home", "--home-dir", "/nonexistent",
                                 "--shell", "/usr/sbin/nologin", "--user-group",     name};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, "/usr/sbin/useradd", nullptr, nullptr, arguments.data(), environment.data()) != 0)
    return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

Account own_account() { return Account{geteuid(), getegid()}; }

Result<Account> hosted_account(const std::string& name) {
  if (geteuid() != 0) return own_account();
  if (const std::optional<Account> found = find_account(name)) return *found;
  run_useradd(name);
  // Another process may have made it meanwhile, so what counts is whether it is there now.
  if (const std::optional<Account> found = find_account(name)) return *found;
  return fail(ErrorCode::kUnavailable,
              fmt::format("the system user '{}', which the control plane runs as, does not exist and useradd could not "
                          "make it; make it by hand: useradd --system {}",
                          name, name));
}

Result<PrivateFolder> PrivateFolder::open(const std::filesystem::path& path, Account owner) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(folder_error(fmt::format("the folder {} cannot be made", path.string())));
  files::Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return fail(folder_error(fmt::format("the folder {} cannot be opened", path.string())));
  struct stat status {};
  if (fstat(folder.get(), &status) != 0) return fail(folder_error(fmt::format("stat of {}", path.string())));
  if ((status.st_uid != owner.user || status.st_gid != owner.group) &&
      fchown(folder.get(), owner.user, owner.group) != 0)
    return fail(folder_error(fmt::format("the folder {} cannot be given to user {}", path.string(), owner.user)));
  if ((status.st_mode & 07777) != 0700 && fchmod(folder.get(), 0700) != 0)
    return fail(folder_error(fmt::format("the folder {} cannot be closed to others", path.string())));
  return PrivateFolder(path, owner, std::move(folder));
}

Status PrivateFolder::make_folder(const std::string& name) const {
  const ActingAs acting(owner_);
  if (mkdirat(descriptor(), name.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(folder_error(fmt::format("the folder {}/{} cannot be made", path_.string(), name)));
  return {};
}

Status PrivateFolder::write(const std::string& name, std::string_view content) const {
  const ActingAs acting(owner_);
  const std::string part = name + ".new";
  const auto failed = [&] {
    return fail(folder_error(fmt::format("the file {}/{} cannot be written", path_.string(), name)));
  };
  unlinkat(descriptor(), part.c_str(), 0);
  const files::Descriptor file(
      openat(descriptor(), part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failed();
  SLIPWAY_TRY(files::write_all(file.get(), as_bytes(content), fmt::format("the file {}/{}", path_.string(), name)));
  if (fsync(file.get()) != 0 || renameat(descriptor(), part.c_str(), descriptor(), name.c_str()) != 0) return failed();
  fsync(descriptor());
  return {};
}

Result<std::optional<std::string>> PrivateFolder::read(const std::string& name, std::size_t maximum) const {
  const ActingAs acting(owner_);
  const files::Descriptor file(openat(descriptor(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  const auto failed = [&] {
    return fail(folder_error(fmt::format("the file {}/{} cannot be read", path_.string(), name)));
  };
  if (!file) return failed();
  std::string content;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed();
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > maximum)
      return fail(ErrorCode::kMalformed,
                  fmt::format("the file {}/{} is larger than {} bytes", path_.string(), name, maximum));
  }
}

Result<files::Descriptor> PrivateFolder::open_log(const std::string& name) const {
  const ActingAs acting(owner_);
  files::Descriptor file(
      openat(descriptor(), name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail(folder_error(fmt::format("the file {}/{} cannot be opened", path_.string(), name)));
  return file;
}

Status PrivateFolder::remove(const std::string& name) const {
  const ActingAs acting(owner_);
  if (unlinkat(descriptor(), name.c_str(), 0) != 0 && errno != ENOENT)
    return fail(folder_error(fmt::format("the file {}/{} cannot be removed", path_.string(), name)));
  return {};
}

}  // namespace slipway::kube
