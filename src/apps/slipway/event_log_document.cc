#include "apps/slipway/event_log_document.h"

#include <fmt/format.h>

#include "apps/slipway/output.h"
#include "bootchain/event_data.h"
#include "bootchain/event_text.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using bootchain::FieldRow;
using bootchain::FieldRowEntry;
using bootchain::RecordedLog;
using bootchain::RecordedSecureBoot;
using bootchain::UnverifiedEvent;
using bootchain::UnverifiedImaEntry;

json::value value_of(const Bytes& bytes) { return json::value(to_hex(bytes)); }
json::value value_of(const std::vector<std::string>& texts) { return json::array(texts.begin(), texts.end()); }
json::value value_of(const std::vector<FieldRow>& rows) {
  json::array array;
  for (const FieldRow& row : rows) {
    json::object object;
    for (const FieldRowEntry& entry : row)
      object[entry.name] = std::visit(
          [](const auto& value) -> json::value {
            using Value = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<Value, Bytes>)
              return value_of(value);
            else if constexpr (std::is_same_v<Value, bootchain::EfiGuid>)
              return json::value(to_string(value));
            else
              return json::value(value);
          },
          entry.value);
    array.push_back(std::move(object));
  }
  return array;
}
template <typename T>
json::value value_of(const T& value) {
  return json::value(value);
}

json::value matches_of(const UnverifiedEvent& event) {
  const auto matches = bootchain::digest_matches_data(event);
  return matches ? json::value(*matches) : json::value(nullptr);
}

json::object event_object(const UnverifiedEvent& event) {
  json::object digests;
  for (const bootchain::EventDigest& digest : event.digests)
    digests[bootchain::bank_name(digest.bank)] = to_hex(digest.digest);
  const bootchain::EventDescription description = bootchain::describe_event_data(event);
  return {{"index", event.index},
          {"pcr", event.pcr},
          {"type", bootchain::event_type_name(event.type)},
          {"digests", std::move(digests)},
          {"digestMatchesData", matches_of(event)},
          {"description", description.text},
          {"fields", to_json(description.fields)},
          {"data", to_hex(event.data)}};
}

json::object pcrs_object(const RecordedLog& recorded) {
  json::object banks;
  for (const bootchain::LogBank& bank : recorded.log.banks) {
    if (!bootchain::hash_of_bank(bank.bank)) continue;
    json::object values;
    for (const auto& [pcr, value] : bootchain::replay_recorded(recorded.log, bank.bank))
      values[std::to_string(pcr)] = to_hex(value);
    banks[bootchain::bank_name(bank.bank)] = std::move(values);
  }
  return banks;
}

std::string_view text_of(RecordedSecureBoot secure_boot) {
  switch (secure_boot) {
    case RecordedSecureBoot::kEnabled:
      return "enabled";
    case RecordedSecureBoot::kDisabled:
      return "disabled";
    case RecordedSecureBoot::kUnknown:
      break;
  }
  return "unknown";
}

std::string pcr_text(std::uint32_t pcr) { return pcr < 24 ? std::to_string(pcr) : fmt::format("{:#x}", pcr); }

std::string matches_text(const UnverifiedEvent& event) {
  const auto matches = bootchain::digest_matches_data(event);
  if (!matches) return "-";
  return *matches ? "yes" : "NO";
}

std::string pcrs_table(const json::object& pcrs) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& bank : pcrs)
    for (const auto& value : bank.value().as_object())
      rows.push_back({std::string(bank.key()), std::string(value.key()), std::string(value.value().as_string())});
  return to_table({"Bank", "PCR", "Value"}, rows);
}

json::object ima_pcrs(const std::vector<UnverifiedImaEntry>& entries) {
  json::object banks;
  for (const auto bank : {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha256, crypto::HashAlgorithm::kSha384,
                          crypto::HashAlgorithm::kSha512})
    banks[crypto::to_string(bank)] = json::object{{"10", to_hex(bootchain::ima_pcr_value(entries, bank))}};
  return banks;
}

json::object ima_object(const UnverifiedImaEntry& entry, int index) {
  json::object object{{"index", index},
                      {"pcr", entry.pcr},
                      {"template", bootchain::utf8_text(as_bytes(entry.template_name))},
                      {"digests", {{"sha1", to_hex(entry.template_sha1)}, {"sha256", to_hex(entry.sha256_extended)}}},
                      {"violation", entry.violation}};
  const auto file = bootchain::read_ima_measurement(entry);
  if (!file) {
    object["undecoded"] = file.error().message;
    object["data"] = to_hex(entry.template_data);
    return object;
  }
  object["algorithm"] = bootchain::utf8_text(as_bytes(file->algorithm));
  object["fileDigest"] = to_hex(file->digest);
  object["path"] = bootchain::utf8_text(as_bytes(file->path));
  if (!file->signature.empty()) object["signature"] = to_hex(file->signature);
  return object;
}

}  // namespace

json::object to_json(const std::vector<bootchain::Field>& fields) {
  json::object object;
  for (const bootchain::Field& field : fields)
    object[field.name] = std::visit([](const auto& value) { return value_of(value); }, field.value);
  return object;
}

json::object event_log_document(const RecordedLog& recorded) {
  json::array events;
  for (const UnverifiedEvent& event : recorded.log.events) events.push_back(event_object(event));
  return {{"format", recorded.crypto_agile ? "cryptoAgile" : "legacySha1"},
          {"secureBoot", text_of(bootchain::recorded_secure_boot(recorded.log))},
          {"pcrs", pcrs_object(recorded)},
          {"events", std::move(events)}};
}

std::string event_log_table(const RecordedLog& recorded) {
  std::vector<std::vector<std::string>> rows;
  for (const UnverifiedEvent& event : recorded.log.events)
    rows.push_back({std::to_string(event.index), pcr_text(event.pcr), bootchain::event_type_name(event.type),
                    matches_text(event), bootchain::describe_event_data(event).text});
  return fmt::format(
      "{}\nData: whether an event's digests are those of its data; - where they are of something else.\n"
      "\n{}\nSecure Boot: {}\n",
      to_table({"Event", "PCR", "Type", "Data", "What"}, rows), pcrs_table(pcrs_object(recorded)),
      text_of(bootchain::recorded_secure_boot(recorded.log)));
}

json::object ima_log_document(const std::vector<UnverifiedImaEntry>& entries) {
  json::array shown;
  int index = 0;
  for (const UnverifiedImaEntry& entry : entries) shown.push_back(ima_object(entry, index++));
  return {{"pcrs", ima_pcrs(entries)}, {"entries", std::move(shown)}};
}

std::string ima_log_table(const std::vector<UnverifiedImaEntry>& entries) {
  std::vector<std::vector<std::string>> rows;
  int index = 0;
  for (const UnverifiedImaEntry& entry : entries) {
    const auto file = bootchain::read_ima_measurement(entry);
    rows.push_back({std::to_string(index++), bootchain::one_line(bootchain::utf8_text(as_bytes(entry.template_name))),
                    entry.violation ? "violation" : "", file ? to_hex(file->digest) : "",
                    bootchain::one_line(file ? bootchain::utf8_text(as_bytes(file->path)) : file.error().message)});
  }
  return fmt::format("{}\n{}", to_table({"Entry", "Template", "", "Digest", "Path"}, rows),
                     pcrs_table(ima_pcrs(entries)));
}

}  // namespace slipway::cli
