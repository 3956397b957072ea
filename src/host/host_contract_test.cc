#include "host/host_contract.h"

#include <fstream>

#include "host/memory/memory_host.h"

namespace slipway::host {
namespace {

SystemRandom system_random;
const SystemClock system_clock;

HostUnderTest memory_host() {
  return {.make =
              [](const std::filesystem::path& state) {
                return make_memory_host({.state_folder = state / "host",
                                         .manifest = [](const std::filesystem::path&) -> Result<image::Manifest> {
                                           image::Manifest manifest;
                                           manifest.version = "contract";
                                           return manifest;
                                         },
                                         .on_admitted = {},
                                         .random = system_random,
                                         .clock = system_clock});
              },
          .make_image =
              [](const std::filesystem::path& folder) {
                const auto image = folder / "image.qcow2";
                std::ofstream(image) << "nobody reads this";
                return image;
              }};
}

INSTANTIATE_TEST_SUITE_P(Memory, HostContract, ::testing::Values(memory_host()));

}  // namespace
}  // namespace slipway::host
