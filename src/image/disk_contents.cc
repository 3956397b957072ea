#include "image/disk_contents.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace slipway::image {
namespace {

constexpr std::size_t kMaximumDifferences = 32;
constexpr std::size_t kShownLine = 200;
constexpr std::size_t kShownBefore = 40;  // of what is the same, before the first difference

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// The first line that is not the image's, on both sides: for grub.cfg that is what a reader wants to see.
std::string first_changed_line(std::string_view wanted, std::string_view found) {
  const auto wanted_lines = lines_of(wanted);
  const auto found_lines = lines_of(found);
  std::size_t at = 0;
  while (at < wanted_lines.size() && at < found_lines.size() && wanted_lines[at] == found_lines[at]) ++at;
  const auto line_at = [at](const std::vector<std::string_view>& lines) {
    return at < lines.size() ? lines[at] : std::string_view();
  };
  const std::string_view wanted_line = line_at(wanted_lines), found_line = line_at(found_lines);
  const auto same = static_cast<std::size_t>(
      std::mismatch(wanted_line.begin(), wanted_line.end(), found_line.begin(), found_line.end()).first -
      wanted_line.begin());
  // A kernel line is long, and what was added stands at its end.
  const std::size_t from = same > kShownBefore ? same - kShownBefore : 0;
  const auto line = [at, from](const std::vector<std::string_view>& lines) {
    if (at >= lines.size()) return std::string("the end of the file");
    return fmt::format("'{}{}'", from == 0 ? "" : "...", printable(lines[at].substr(from), kShownLine));
  };
  return fmt::format("line {} is {}, and in the image {}", at + 1, line(found_lines), line(wanted_lines));
}

class Comparison {
 public:
  Comparison(const Manifest& manifest, const DiskContents& disk) : manifest_(manifest), disk_(disk) {}

  std::vector<DiskDifference> run() {
    if (disk_.gpt_event_sha256 != manifest_.gpt_event_sha256) {
      add({"partition table", "", "", "the partition table is not the image's"});
    }
    if (disk_.esp_detail.empty()) {
      compare_files();
    } else {
      add({"EFI system partition", "", "",
           "the EFI system partition cannot be read: " + printable(disk_.esp_detail, kShownLine)});
    }
    if (disk_.root_checked && !disk_.root_matches) {
      add({"root file system", "", "",
           fmt::format("the root file system is not what the image's root hash {} says (dm-verity): {}",
                       to_hex(manifest_.root_hash), printable(disk_.root_detail, kShownLine))});
    }
    return std::move(differences_);
  }

 private:
  void add(DiskDifference difference) {
    if (differences_.size() < kMaximumDifferences) differences_.push_back(std::move(difference));
  }

  void compare_files() {
    std::set<std::string> known;
    for (const BootFile& file : manifest_.boot_files) {
      known.insert(file.path);
      compare(file);
    }
    for (const auto& [path, digest] : disk_.esp_sha256) {
      if (known.count(path) > 0) continue;
      const std::string shown = printable(path, kShownLine);
      add({shown, "", "", fmt::format("{} (SHA-256 {}) is not in the image", shown, to_hex(digest))});
    }
  }

  void compare(const BootFile& file) {
    const std::string signer = file.signers.empty() ? "" : file.signers.front();
    const auto found = disk_.esp_sha256.find(file.path);
    if (found == disk_.esp_sha256.end()) {
      add({file.path, file.package, signer, fmt::format("{} is missing", file.path)});
      return;
    }
    if (found->second == file.sha256) return;
    std::string message =
        fmt::format("{} has SHA-256 {}, and the image's has {}", file.path, to_hex(found->second), to_hex(file.sha256));
    if (!file.package.empty()) message += fmt::format(" (package {})", file.package);
    if (!signer.empty()) message += fmt::format(" (signed by {})", signer);
    if (file.role == BootFileRole::kGrubConfig) {
      message += "; " + first_changed_line(manifest_.grub_config, disk_.grub_config);
    }
    add({file.path, file.package, signer, std::move(message)});
  }

  const Manifest& manifest_;
  const DiskContents& disk_;
  std::vector<DiskDifference> differences_;
};

}  // namespace

std::vector<DiskDifference> compare_disk(const Manifest& manifest, const DiskContents& disk) {
  return Comparison(manifest, disk).run();
}

}  // namespace slipway::image
