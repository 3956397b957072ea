#include "image/calibration.h"

#include <fmt/format.h>

#include <limits>

#include "image/firmware_constants.h"
#include "image/object_reader.h"

namespace slipway::image {
namespace {

constexpr std::size_t kMaximumSize = 64U << 10;

Result<int> small_number(ObjectReader& reader, std::string_view key) {
  SLIPWAY_ASSIGN(const std::uint64_t number, reader.number(key));
  if (number == 0 || number > static_cast<std::uint64_t>(std::numeric_limits<int>::max()))
    return reader.wrong(key, "a positive whole number");
  return static_cast<int>(number);
}

}  // namespace

Result<Calibration> calibration_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const JsonDocument document, parse_json_document(text, kMaximumSize, "the calibration"));
  SLIPWAY_ASSIGN(ObjectReader reader, ObjectReader::open(document, "the calibration"));
  Calibration calibration;
  SLIPWAY_ASSIGN(calibration.firmware_sha256, reader.digest("firmwareSha256"));
  SLIPWAY_ASSIGN(calibration.qemu_version, reader.text("qemuVersion"));
  SLIPWAY_ASSIGN(calibration.machine_type, reader.text("machineType"));
  SLIPWAY_ASSIGN(calibration.vcpus, small_number(reader, "vcpus"));
  SLIPWAY_ASSIGN(calibration.memory_mib, small_number(reader, "memoryMib"));
  SLIPWAY_ASSIGN(calibration.secure_boot, reader.boolean("secureBoot"));
  SLIPWAY_ASSIGN(calibration.pcr0_events, reader.digests("pcr0Events"));
  return calibration;
}

Result<Bytes> calibrated_pei_volume(const std::vector<Bytes>& pcr0_events, const Bytes& dxe_volume_sha256) {
  if (pcr0_events.size() != 4 || pcr0_events[0] != firmware_version_digest() || pcr0_events[2] != dxe_volume_sha256 ||
      pcr0_events[3] != separator_digest())
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("the calibration is of another firmware: its {} events of PCR 0 are not the firmware "
                            "version, a PEI volume, the DXE volume {} and a separator; calibrate this firmware again",
                            pcr0_events.size(), to_hex(dxe_volume_sha256)));
  return pcr0_events[1];
}

}  // namespace slipway::image
