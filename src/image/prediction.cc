#include "image/prediction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "bootchain/event_log.h"
#include "image/certificate_chains_json.h"
#include "image/closed_table.h"
#include "image/object_reader.h"

namespace slipway::image {
namespace {

namespace json = boost::json;

constexpr std::array<Origin, 3> kOrigins{Origin::kComputed, Origin::kCalibrated, Origin::kMayVary};
constexpr int kLastPredictedPcr = 9, kShimPcr = 14;

// The types of event that a prediction may hold.
constexpr std::array<std::uint32_t, 11> kTypes{
    bootchain::kEvSeparator,
    bootchain::kEvSCrtmVersion,
    bootchain::kEvIpl,
    bootchain::kEvEfiVariableDriverConfig,
    bootchain::kEvEfiVariableBoot,
    bootchain::kEvEfiBootServicesApplication,
    bootchain::kEvEfiGptEvent,
    bootchain::kEvEfiAction,
    bootchain::kEvEfiPlatformFirmwareBlob,
    bootchain::kEvEfiVariableBoot2,
    bootchain::kEvEfiVariableAuthority,
};

json::object to_object(const PredictedEvent& event) {
  return {{"pcr", event.pcr},
          {"type", bootchain::event_type_name(event.type)},
          {"origin", to_string(event.origin)},
          {"sha256", to_hex(event.sha256)},
          {"rule", event.rule},
          {"component", event.component},
          {"text", event.text},
          {"package", event.package},
          {"signer", event.signer}};
}

Status read_digest(ObjectReader& reader, PredictedEvent& event) {
  SLIPWAY_ASSIGN(const std::string hex, reader.text("sha256"));
  if (event.origin == Origin::kMayVary) {
    if (!hex.empty()) return reader.wrong("sha256", "empty, as it must be for events that may vary");
    if (!is_in_closed_table(event.pcr, event.type))
      return reader.wrong("origin", "of an event that may vary: only boot entries in PCR 1 do");
    return {};
  }
  if (event.origin == Origin::kCalibrated && hex.empty()) return {};
  auto digest = from_hex(hex);
  if (!digest || digest->size() != 32) return reader.wrong("sha256", "a SHA-256 digest of 64 hexadecimal digits");
  event.sha256 = *std::move(digest);
  return {};
}

Result<PredictedEvent> event_from(const ObjectReader& prediction, const json::value& value, std::size_t index) {
  SLIPWAY_ASSIGN(ObjectReader reader,
                 prediction.element("events", index, value, fmt::format("event {} of the prediction", index)));
  PredictedEvent event;
  SLIPWAY_ASSIGN(const std::uint64_t pcr, reader.number("pcr"));
  if (pcr > kLastPredictedPcr && pcr != kShimPcr) return reader.wrong("pcr", "0 to 9 or 14");
  event.pcr = static_cast<int>(pcr);
  SLIPWAY_ASSIGN(const std::string type, reader.text("type"));
  const auto known = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](std::uint32_t it) { return bootchain::event_type_name(it) == type; });
  if (known == kTypes.end()) return reader.wrong("type", "a type of event that a boot of an image has");
  event.type = *known;
  SLIPWAY_ASSIGN(const std::string origin, reader.text("origin"));
  const auto named = std::find_if(kOrigins.begin(), kOrigins.end(), [&](Origin it) { return to_string(it) == origin; });
  if (named == kOrigins.end()) return reader.wrong("origin", "computed, calibrated or mayVary");
  event.origin = *named;
  SLIPWAY_TRY(read_digest(reader, event));
  SLIPWAY_ASSIGN(event.rule, reader.text("rule"));
  SLIPWAY_ASSIGN(event.component, reader.text("component"));
  SLIPWAY_ASSIGN(event.text, reader.text("text"));
  SLIPWAY_ASSIGN(event.package, reader.text("package"));
  SLIPWAY_ASSIGN(event.signer, reader.text("signer"));
  SLIPWAY_TRY(reader.finish());
  return event;
}

json::object to_object(const Prediction& prediction) {
  json::array events;
  for (const PredictedEvent& event : prediction.events) events.push_back(to_object(event));
  json::object object{{"imageVersion", prediction.image_version},
                      {"secureBoot", prediction.secure_boot},
                      {"firmwareSha256", to_hex(prediction.firmware_sha256)},
                      {"events", std::move(events)}};
  // A prediction of before has the bytes that it had.
  if (prediction.signed_files.empty()) return object;
  json::array files;
  for (const SignedFile& file : prediction.signed_files)
    files.push_back(
        json::object{{"component", file.component}, {"certificateChains", to_json_array(file.certificate_chains)}});
  object["signedFiles"] = std::move(files);
  return object;
}

Status read_signed_files(ObjectReader& reader, std::vector<SignedFile>& files) {
  if (!reader.has("signedFiles")) return {};
  SLIPWAY_ASSIGN(const json::array* values, reader.array("signedFiles"));
  if (values->empty() || values->size() > kMaximumSignedFiles)
    return reader.wrong("signedFiles", fmt::format("an array of 1 to {} files", kMaximumSignedFiles));
  for (const json::value& value : *values) {
    SLIPWAY_ASSIGN(ObjectReader file_reader,
                   reader.element("signedFiles", files.size(), value,
                                  fmt::format("signed file {} of the prediction", files.size())));
    SignedFile file;
    SLIPWAY_ASSIGN(file.component, file_reader.text("component"));
    SLIPWAY_ASSIGN(file.certificate_chains, take_chains(file_reader, "certificateChains"));
    SLIPWAY_TRY(file_reader.finish());
    files.push_back(std::move(file));
  }
  return {};
}

Result<JsonDocument> parse(std::string_view text) {
  return parse_json_document(text, kMaximumPredictionSize, "the prediction");
}

Result<Prediction> prediction_from(ObjectReader reader) {
  Prediction prediction;
  SLIPWAY_ASSIGN(prediction.image_version, reader.text("imageVersion"));
  SLIPWAY_ASSIGN(prediction.secure_boot, reader.boolean("secureBoot"));
  SLIPWAY_ASSIGN(prediction.firmware_sha256, reader.digest("firmwareSha256"));
  SLIPWAY_ASSIGN(const json::array* events, reader.array("events"));
  if (events->size() > kMaximumPredictedEvents)
    return reader.wrong("events", fmt::format("an array of at most {} events", kMaximumPredictedEvents));
  for (const json::value& event : *events) {
    SLIPWAY_ASSIGN(PredictedEvent parsed, event_from(reader, event, prediction.events.size()));
    prediction.events.push_back(std::move(parsed));
  }
  SLIPWAY_TRY(read_signed_files(reader, prediction.signed_files));
  SLIPWAY_TRY(reader.finish());
  return prediction;
}

}  // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::kComputed:
      return "computed";
    case Origin::kCalibrated:
      return "calibrated";
    case Origin::kMayVary:
      return "mayVary";
  }
  return "";
}

std::string to_json(const Prediction& prediction) { return json::serialize(to_object(prediction)); }

Result<Prediction> prediction_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const JsonDocument document, parse(text));
  SLIPWAY_ASSIGN(ObjectReader reader, ObjectReader::open(document, "the prediction"));
  return prediction_from(std::move(reader));
}

std::string to_json(const std::vector<Prediction>& predictions) {
  json::array array;
  for (const Prediction& prediction : predictions) array.push_back(to_object(prediction));
  return json::serialize(json::object{{"predictions", std::move(array)}});
}

Result<std::vector<Prediction>> predictions_from_json(std::string_view text) {
  SLIPWAY_ASSIGN(const JsonDocument document, parse(text));
  SLIPWAY_ASSIGN(ObjectReader reader, ObjectReader::open(document, "the document of predictions"));
  SLIPWAY_ASSIGN(const json::array* array, reader.array("predictions"));
  if (array->size() > kMaximumPredictions)
    return reader.wrong("predictions", fmt::format("an array of at most {} predictions", kMaximumPredictions));
  std::vector<Prediction> predictions;
  for (const json::value& element : *array) {
    SLIPWAY_ASSIGN(ObjectReader inside, reader.element("predictions", predictions.size(), element, "the prediction"));
    SLIPWAY_ASSIGN(Prediction prediction, prediction_from(std::move(inside)));
    predictions.push_back(std::move(prediction));
  }
  SLIPWAY_TRY(reader.finish());
  return predictions;
}

}  // namespace slipway::image
