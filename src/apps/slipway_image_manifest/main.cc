#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "bootchain/gpt.h"
#include "bootchain/ovmf_firmware.h"
#include "bootchain/variable_store.h"
#include "image/build_manifest.h"
#include "image/predict.h"

// slipway-image-manifest: writes the manifest of a node image from the files that went into it, and what booting it
// must measure, without a server and without root. The recipe under images/ runs it; `slipway image build` runs the
// recipe.
namespace {

namespace filesystem = std::filesystem;
using slipway::Bytes;
using slipway::ErrorCode;
using slipway::fail;
using slipway::Result;
using slipway::Status;

constexpr std::uintmax_t kMaximumBootFileSize = 512U << 20;

struct Options {
  std::string version, esp_folder, packages, root_hash, disk, output;
  std::string firmware, predictions;
  std::vector<std::string> variables;
  bool trusted_launch = false;
};

Result<Bytes> read_start(const filesystem::path& path, std::uintmax_t count) {
  std::ifstream file(path, std::ios::binary);
  Bytes bytes(count);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count)))
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot read {} bytes of {}; is it there and readable?", count, path.string()));
  return bytes;
}

Result<std::uintmax_t> size_of(const filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = filesystem::file_size(path, error);
  if (error) return fail(ErrorCode::kUnavailable, fmt::format("cannot read {}: {}", path.string(), error.message()));
  return size;
}

Status read_esp(const filesystem::path& folder, slipway::image::ManifestInputs& inputs) {
  std::error_code error;
  filesystem::recursive_directory_iterator entries(folder, error);
  if (error) return fail(ErrorCode::kUnavailable, fmt::format("cannot read {}: {}", folder.string(), error.message()));
  for (const filesystem::recursive_directory_iterator end; entries != end; entries.increment(error)) {
    if (error)
      return fail(ErrorCode::kUnavailable, fmt::format("cannot read {}: {}", folder.string(), error.message()));
    if (!entries->is_regular_file(error)) continue;
    SLIPWAY_ASSIGN(const std::uintmax_t size, size_of(entries->path()));
    if (size > kMaximumBootFileSize)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is larger than 512 MiB; no boot file is", entries->path().string()));
    SLIPWAY_ASSIGN(Bytes bytes, read_start(entries->path(), size));
    inputs.esp_files["/" + entries->path().lexically_relative(folder).generic_string()] = std::move(bytes);
  }
  return {};
}

Status read_packages(const filesystem::path& path, slipway::image::ManifestInputs& inputs) {
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kUnavailable, fmt::format("cannot read {}", path.string()));
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const std::size_t tab = line.find('\t');
    if (line.empty()) continue;
    if (tab == std::string::npos || tab == 0)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} line {}: expected PATH<TAB>PACKAGE VERSION", path.string(), number));
    inputs.packages[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return {};
}

Status write_document(const std::string& json, const std::string& path) {
  if (path.empty()) {
    std::cout << json << '\n';
    return {};
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << json << '\n';
  if (!file.flush()) return fail(ErrorCode::kUnavailable, fmt::format("cannot write {}; is there space left?", path));
  return {};
}

Result<Bytes> read_whole(const filesystem::path& path, std::uintmax_t limit) {
  SLIPWAY_ASSIGN(const std::uintmax_t size, size_of(path));
  if (size > limit)
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is larger than {} bytes", path.string(), limit));
  return read_start(path, size);
}

// One prediction for each variable store; the PEI volume's event is left open, since it depends on the VM's shape.
Status write_predictions(const Options& options, const slipway::image::Manifest& manifest) {
  SLIPWAY_ASSIGN(const Bytes code, read_whole(options.firmware, slipway::bootchain::kMaximumFirmware));
  SLIPWAY_ASSIGN(const auto firmware, slipway::bootchain::read_ovmf_firmware(code));
  std::vector<slipway::image::Prediction> predictions;
  for (const std::string& path : options.variables) {
    SLIPWAY_ASSIGN(const Bytes store, read_whole(path, slipway::bootchain::kMaximumVariableStore));
    SLIPWAY_ASSIGN(const auto variables, slipway::bootchain::read_variable_store(store));
    SLIPWAY_ASSIGN(auto prediction, slipway::image::predict(
                                        manifest, {firmware.code_sha256, firmware.dxe_volume_sha256, {}}, variables));
    predictions.push_back(std::move(prediction));
  }
  return write_document(slipway::image::to_json(predictions), options.predictions);
}

Status run(const Options& options) {
  slipway::image::ManifestInputs inputs;
  inputs.version = options.version;
  inputs.trusted_launch = options.trusted_launch;
  SLIPWAY_TRY(read_esp(options.esp_folder, inputs));
  if (!options.packages.empty()) SLIPWAY_TRY(read_packages(options.packages, inputs));
  SLIPWAY_ASSIGN(inputs.root_hash, slipway::from_hex(options.root_hash));
  SLIPWAY_ASSIGN(inputs.virtual_size, size_of(options.disk));
  SLIPWAY_ASSIGN(inputs.disk_start, read_start(options.disk, slipway::bootchain::kPartitionTableBytes));
  SLIPWAY_ASSIGN(const slipway::image::Manifest manifest, slipway::image::build_manifest(inputs));
  if (!options.predictions.empty()) SLIPWAY_TRY(write_predictions(options, manifest));
  return write_document(slipway::image::to_json(manifest), options.output);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Describes a node image: every file of its boot, with digests and signers, as one JSON document.\n"
      "Example: slipway-image-manifest --version SlipwayDebian-12-gen2TLcontainerd-202611.23.0 "
      "--trusted-launch --esp-folder esp --packages packages.tsv --root-hash 5c1f... --disk disk.raw "
      "--output manifest.json");
  app.add_option("--version", options.version, "version of the image")->required();
  app.add_flag("--trusted-launch", options.trusted_launch, "the image is fit for Trusted Launch");
  app.add_option("--esp-folder", options.esp_folder, "the tree of files on the EFI system partition")->required();
  app.add_option("--packages", options.packages, "lines PATH<TAB>PACKAGE VERSION, paths as on the partition");
  app.add_option("--root-hash", options.root_hash, "dm-verity root hash, 64 hexadecimal digits")->required();
  app.add_option("--disk", options.disk, "the raw disk image: its partition table and size are read")->required();
  app.add_option("--output", options.output, "where to write the manifest; standard output if not given");
  CLI::Option* predictions = app.add_option("--predictions", options.predictions,
                                            "where to write what booting the image must measure, for each --variables");
  CLI::Option* firmware = app.add_option("--firmware", options.firmware, "OVMF's code file");
  CLI::Option* variables =
      app.add_option("--variables", options.variables, "a variable store that a VM starts with; may be given again");
  predictions->needs(firmware)->needs(variables);
  CLI11_PARSE(app, argc, argv);
  if (const Status status = run(options); !status) {
    std::cerr << "slipway-image-manifest: " << status.error().message << '\n';
    return 1;
  }
  return 0;
}
