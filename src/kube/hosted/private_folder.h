#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "files/descriptor.h"

namespace slipway::kube {

// Who owns files and runs programs.
struct Account {
  uid_t user = 0;
  gid_t group = 0;
};
// The account of this process.
Account own_account();
// The account that hosted programs run as: this process's own unless it is root; else the system user `name`, which is
// made if it does not exist (useradd --system). kUnavailable with the cause where that fails.
Result<Account> hosted_account(const std::string& name);

// A folder of mode 0700 whose files are 0600 and belong to one account. Where the account is not this process's own,
// every access is made with that account's rights alone (setfsuid): a link that a hosted program planted there leads a
// root process nowhere that the program could not go itself. Names are relative, one or more parts, never "..".
class PrivateFolder {
 public:
  // Makes the folder where it is missing; its parent must exist and belong to this process.
  static Result<PrivateFolder> open(const std::filesystem::path& path, Account owner);

  int descriptor() const { return descriptor_.get(); }
  const std::filesystem::path& path() const { return path_; }
  Account owner() const { return owner_; }

  Status make_folder(const std::string& name) const;
  // Replaces the whole file or nothing of it; on disk when this returns.
  Status write(const std::string& name, std::string_view content) const;
  // Nothing where there is no such file. kMalformed above `maximum` bytes.
  Result<std::optional<std::string>> read(const std::string& name, std::size_t maximum = 4U << 20) const;
  // For appending, made where it is missing.
  Result<files::Descriptor> open_log(const std::string& name) const;
  Status remove(const std::string& name) const;

 private:
  PrivateFolder(std::filesystem::path path, Account owner, files::Descriptor descriptor)
      : path_(std::move(path)), owner_(owner), descriptor_(std::move(descriptor)) {}

  std::filesystem::path path_;
  Account owner_;
  files::Descriptor descriptor_;
};

}  // namespace slipway::kube
