#include "apps/slipway/prediction_document.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/slipway/output.h"
#include "base/text.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using image::ComparedEvent;
using image::Match;
using image::PredictedEvent;
using image::Prediction;

constexpr std::size_t kShownText = 100;

std::string shortened(std::string text) {
  if (text.size() > kShownText) text = text.substr(0, kShownText - 3) + "...";
  return printable(text, text.size());
}

std::string digest_text(const Bytes& digest) { return digest.empty() ? "-" : to_hex(digest); }

Bytes digest_of(const bootchain::UnverifiedEvent& event) {
  const bootchain::DigestValue* digest = bootchain::find_digest(event, bootchain::kSha256Bank);
  return digest == nullptr ? Bytes{} : digest->bytes();
}

// What an event of the log measured, where its data say so.
std::string text_of(const bootchain::UnverifiedEvent& event) {
  const bootchain::GrubText grub = bootchain::grub_text(event);
  if (grub.kind != bootchain::GrubText::Kind::kNone) return shortened(grub.text);
  if (event.type == bootchain::kEvIpl || event.type == bootchain::kEvEfiAction)
    return shortened(std::string(as_text(event.data)));
  const auto variable = bootchain::decode_variable_data(event.data);
  if (variable &&
      (event.type == bootchain::kEvEfiVariableBoot || event.type == bootchain::kEvEfiVariableBoot2 ||
       event.type == bootchain::kEvEfiVariableDriverConfig || event.type == bootchain::kEvEfiVariableAuthority))
    return shortened(variable->name);
  return {};
}

std::string heading(const Prediction& prediction) {
  return fmt::format("Image {}, Secure Boot {}, firmware {}\n\n", prediction.image_version,
                     prediction.secure_boot ? "on" : "off", to_hex(prediction.firmware_sha256));
}

std::string component_of(const ComparedEvent& line) {
  if (line.match == Match::kMayVary || line.predicted == nullptr) return text_of(*line.actual);
  return shortened(line.predicted->component);
}

}  // namespace

std::size_t count_differences(const std::vector<ComparedEvent>& comparison) {
  return static_cast<std::size_t>(std::count_if(comparison.begin(), comparison.end(), [](const ComparedEvent& line) {
    return line.match != Match::kEqual && line.match != Match::kMayVary;
  }));
}

std::string prediction_table(const Prediction& prediction) {
  std::vector<std::vector<std::string>> rows;
  for (const PredictedEvent& event : prediction.events)
    rows.push_back({fmt::format("{}", event.pcr), bootchain::event_type_name(event.type),
                    std::string(to_string(event.origin)), digest_text(event.sha256), shortened(event.component),
                    event.package});
  return heading(prediction) + to_table({"PCR", "Type", "Origin", "SHA-256", "Component", "Package"}, rows);
}

json::object comparison_document(const Prediction& prediction, const std::vector<ComparedEvent>& comparison) {
  json::array lines;
  for (const ComparedEvent& line : comparison) {
    const auto pcr = line.actual != nullptr ? static_cast<std::int64_t>(line.actual->pcr)
                                            : static_cast<std::int64_t>(line.predicted->pcr);
    const std::uint32_t type = line.actual != nullptr ? line.actual->type : line.predicted->type;
    lines.push_back(
        {{"match", to_string(line.match)},
         {"index", line.actual != nullptr ? json::value(line.actual->index) : json::value(nullptr)},
         {"pcr", pcr},
         {"type", bootchain::event_type_name(type)},
         {"component", component_of(line)},
         {"rule", line.predicted != nullptr ? json::value(line.predicted->rule) : json::value(nullptr)},
         {"origin", line.predicted != nullptr ? json::value(to_string(line.predicted->origin)) : json::value(nullptr)},
         {"predicted", line.predicted != nullptr && !line.predicted->sha256.empty()
                           ? json::value(to_hex(line.predicted->sha256))
                           : json::value(nullptr)},
         {"actual", line.actual != nullptr ? json::value(to_hex(digest_of(*line.actual))) : json::value(nullptr)},
         {"actualText", line.actual != nullptr ? json::value(text_of(*line.actual)) : json::value(nullptr)}});
  }
  return {{"imageVersion", prediction.image_version},
          {"secureBoot", prediction.secure_boot},
          {"firmwareSha256", to_hex(prediction.firmware_sha256)},
          {"asPredicted", is_as_predicted(comparison)},
          {"differences", count_differences(comparison)},
          {"events", std::move(lines)}};
}

std::string comparison_table(const Prediction& prediction, const std::vector<ComparedEvent>& comparison) {
  std::vector<std::vector<std::string>> rows;
  std::size_t equal = 0, varying = 0;
  for (const ComparedEvent& line : comparison) {
    equal += line.match == Match::kEqual ? 1 : 0;
    varying += line.match == Match::kMayVary ? 1 : 0;
    rows.push_back(
        {line.actual != nullptr ? fmt::format("{}", line.actual->index) : "-",
         fmt::format("{}", line.actual != nullptr ? line.actual->pcr : static_cast<std::uint32_t>(line.predicted->pcr)),
         bootchain::event_type_name(line.actual != nullptr ? line.actual->type : line.predicted->type),
         std::string(to_string(line.match)),
         line.predicted != nullptr ? digest_text(line.predicted->sha256).substr(0, 16) : "-",
         line.actual != nullptr ? digest_text(digest_of(*line.actual)).substr(0, 16) : "-", component_of(line)});
  }
  return heading(prediction) + to_table({"Event", "PCR", "Type", "Match", "Predicted", "Actual", "Component"}, rows) +
         fmt::format("\n{} events: {} equal, {} may vary, {} differ\n", comparison.size(), equal, varying,
                     count_differences(comparison));
}

}  // namespace slipway::cli
