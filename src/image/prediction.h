#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "image/manifest.h"

namespace slipway::image {

// Where the reference value of an event comes from.
enum class Origin {
  kComputed,    // a function of files that the platform owns
  kCalibrated,  // seen in one sealed boot of this firmware and shape of VM: the PEI volume alone
  kMayVary,     // in the closed table of docs/formats/prediction.md: no digest is expected
};
std::string_view to_string(Origin origin);  // "computed", "calibrated", "mayVary"

// One event that booting an image must log.
struct PredictedEvent {
  int pcr = 0;
  std::uint32_t type = 0;  // bootchain::EventType
  Origin origin = Origin::kComputed;
  // 32 bytes. Empty where the origin is kMayVary, which stands for any number of events of the closed table at this
  // place; and where it is kCalibrated and there was no calibration: the event must be there, but nothing can be said
  // of it.
  Bytes sha256;
  std::string rule;       // name of the finding if it differs: "pcr9.initrd"
  std::string component;  // path or name: "/EFI/debian/initrd", "GRUB command set timeout=0"
  std::string text;       // what is measured, where it is a text; else empty
  std::string package, signer;
};

// A file that the boot starts, and who signed it: what a revocation of a signer is held against.
struct SignedFile {
  std::string component;  // PredictedEvent::component of its event in PCR 4
  CertificateChains certificate_chains;
};

// What booting an image on a firmware with a variable store must measure into PCR 0 to 9 and 14, in the order of the
// log; separators and firmware actions included.
struct Prediction {
  std::string image_version;
  bool secure_boot = false;
  Bytes firmware_sha256;  // of the firmware's code file
  std::vector<PredictedEvent> events;
  std::vector<SignedFile> signed_files;  // as far as the image's manifest has their certificates
};

inline constexpr std::size_t kMaximumPredictionSize = 4U << 20;
inline constexpr std::size_t kMaximumPredictedEvents = 4096;
inline constexpr std::size_t kMaximumSignedFiles = 8;

// JSON with stable keys: the same prediction gives the same bytes (docs/formats/prediction.md).
std::string to_json(const Prediction& prediction);
// Strict: at most kMaximumPredictionSize bytes, no unknown key and none missing (but for signedFiles), digests of 32
// bytes exactly where the origin wants one, and kMayVary in PCR 1 alone. kMalformed names the event and the key.
Result<Prediction> prediction_from_json(std::string_view json);

// Several of them in one document, as stored beside an image: {"predictions":[...]}; at most 16.
std::string to_json(const std::vector<Prediction>& predictions);
Result<std::vector<Prediction>> predictions_from_json(std::string_view json);

inline constexpr std::size_t kMaximumPredictions = 16;

}  // namespace slipway::image
