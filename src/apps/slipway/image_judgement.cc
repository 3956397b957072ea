#include "apps/slipway/image_judgement.h"

#include <algorithm>

namespace slipway::cli {
namespace {

using bootchain::ShimCaller;

constexpr const char* kShimPath = "/EFI/BOOT/BOOTX64.EFI";
constexpr const char* kGrubPath = "/EFI/BOOT/grubx64.efi";

std::vector<std::string> kernel_paths(const image::DiskImage& image, const Result<image::Manifest>& manifest) {
  if (manifest) {
    const image::BootFile* kernel = find_boot_file(*manifest, image::BootFileRole::kKernel);
    return kernel == nullptr ? std::vector<std::string>{} : std::vector<std::string>{kernel->path};
  }
  std::vector<std::string> paths;
  for (const auto& [path, bytes] : image.esp_files) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name == "vmlinuz" || name.starts_with("vmlinuz-")) paths.push_back(path);
  }
  return paths;
}

BootDecisions refused(std::string by, std::string rule, std::string reason) {
  return {{std::move(by), {false, std::move(rule), std::move(reason), -1, {}}}};
}

class Judge {
 public:
  Judge(const image::DiskImage& image, const BootMachine& machine) : image_(image), machine_(machine) {}

  ImageJudgement run(const std::vector<std::string>& kernels) {
    judge_shim();
    judge_behind_shim(kGrubPath, ShimCaller::kShim);
    for (const std::string& path : kernels) judge_behind_shim(path, ShimCaller::kShimLock);
    ImageJudgement judgement;
    judgement.decisions = std::move(decisions_);
    judgement.more_revocations = machine_.more_revocations;
    const bool complete =
        judgement.decisions.count(kShimPath) > 0 && judgement.decisions.count(kGrubPath) > 0 && !kernels.empty();
    judgement.boots =
        complete && std::all_of(judgement.decisions.begin(), judgement.decisions.end(), [](const auto& component) {
          return std::all_of(component.second.begin(), component.second.end(),
                             [](const auto& decision) { return decision.second.loads; });
        });
    return judgement;
  }

 private:
  void judge_shim() {
    const auto file = image_.esp_files.find(kShimPath);
    if (file == image_.esp_files.end()) return;
    const auto malformed = [&](const Error& error) {
      decisions_[kShimPath] = refused("firmware", "component.malformed", error.message);
      no_shim_ = error.message;
    };
    auto shim = bootchain::parse_pe_image(file->second);
    if (!shim) return malformed(shim.error());
    auto decisions = decisions_of_firmware(*shim, machine_);
    if (!decisions) return malformed(decisions.error());
    decisions_[kShimPath] = *std::move(decisions);
    auto trust = bootchain::read_shim_trust(*shim, machine_.variables);
    if (trust)
      trust_ = *std::move(trust);
    else
      no_shim_ = trust.error().message;
  }

  void judge_behind_shim(const std::string& path, ShimCaller caller) {
    const auto file = image_.esp_files.find(path);
    if (file == image_.esp_files.end()) return;
    const std::string by = caller == ShimCaller::kShimLock ? "shimLock" : "shim";
    const auto parsed = bootchain::parse_pe_image(file->second);
    if (!parsed)
      decisions_[path] = refused(by, "component.malformed", parsed.error().message);
    else if (!trust_)
      decisions_[path] = refused(by, "shim.missing", "there is no shim that could be asked: " + no_shim_);
    else
      decisions_[path] = decisions_of_shim(*parsed, machine_, *trust_, caller);
  }

  const image::DiskImage& image_;
  const BootMachine& machine_;
  std::optional<bootchain::ShimTrust> trust_;
  std::string no_shim_ = std::string("the EFI system partition has no ") + kShimPath;
  std::map<std::string, BootDecisions> decisions_;
};

}  // namespace

ImageJudgement judge_image(const image::DiskImage& image, const Result<image::Manifest>& manifest,
                           const BootMachine& machine) {
  return Judge(image, machine).run(kernel_paths(image, manifest));
}

}  // namespace slipway::cli
