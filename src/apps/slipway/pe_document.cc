#include "apps/slipway/pe_document.h"

#include <fmt/format.h>

#include "apps/slipway/output.h"
#include "bootchain/image_signatures.h"
#include "bootchain/sbat.h"
#include "bootchain/shim_image.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using crypto::HashAlgorithm;

constexpr HashAlgorithm kAlgorithms[] = {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                                         HashAlgorithm::kSha512};

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case 0x014c:
      return "i386";
    case 0x8664:
      return "x64";
    case 0xaa64:
      return "aarch64";
    default:
      return fmt::format("{:#06x}", machine);
  }
}

json::value or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object signature_document(const bootchain::ImageSignature& signature) {
  json::array signers, certificates;
  if (signature.signed_data) {
    for (const auto& signer : signature.signed_data->signers())
      signers.push_back({{"subject", signer.certificate ? json::value(signer.certificate->subject()) : nullptr},
                         {"issuer", signer.issuer},
                         {"serial", signer.serial}});
    for (const auto& certificate : signature.signed_data->certificates())
      certificates.push_back({{"subject", certificate.subject()},
                              {"issuer", certificate.issuer()},
                              {"notAfter", to_rfc3339(certificate.not_after())}});
  }
  return {{"digestAlgorithm",
           signature.algorithm ? json::value(std::string(to_string(*signature.algorithm))) : json::value(nullptr)},
          {"holds", signature.is_good()},
          {"problem", or_null(signature.problem)},
          {"reason", or_null(signature.words)},
          {"signers", std::move(signers)},
          {"certificates", std::move(certificates)}};
}

json::array sbat_document(const std::vector<bootchain::SbatEntry>& entries) {
  json::array shown;
  for (const auto& entry : entries)
    shown.push_back({{"component", entry.component},
                     {"generation", entry.generation},
                     {"vendor", entry.vendor},
                     {"package", entry.package},
                     {"version", entry.version},
                     {"url", entry.url}});
  return shown;
}

json::value level_document(const std::optional<bootchain::SbatLevel>& level) {
  if (!level) return nullptr;
  json::object minimums;
  for (const auto& minimum : level->minimums) minimums[minimum.component] = minimum.generation;
  return json::object{{"version", level->version}, {"date", level->date}, {"minimums", std::move(minimums)}};
}

Result<json::value> shim_document(const bootchain::UnverifiedPeImage& image) {
  if (bootchain::section_of(image, ".vendor_cert").empty()) return json::value(nullptr);
  SLIPWAY_ASSIGN(const bootchain::UnverifiedShimImage shim, bootchain::read_shim_image(image));
  json::array authorized, revoked;
  for (const auto& entry : shim.authorized) authorized.emplace_back(describe(entry));
  for (const auto& entry : shim.revoked) revoked.emplace_back(describe(entry));
  return json::object{{"authorized", std::move(authorized)},
                      {"revoked", std::move(revoked)},
                      {"automaticLevel", level_document(shim.automatic_level)},
                      {"latestLevel", level_document(shim.latest_level)}};
}

json::object decision_document(const std::string& by, const bootchain::BootDecision& decision) {
  return {{"by", by},
          {"loads", decision.loads},
          {"rule", or_null(decision.rule)},
          {"reason", or_null(decision.reason)},
          {"entry", decision.entry < 0 ? json::value(nullptr) : json::value(decision.entry)},
          {"signedBy", json::array(decision.signed_by.begin(), decision.signed_by.end())}};
}

std::string text(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : value.is_null() ? "" : json::serialize(value);
}

std::string joined(const json::array& texts, std::string_view between) {
  std::string all;
  for (const json::value& each : texts) all.append(all.empty() ? "" : between).append(text(each));
  return all;
}

}  // namespace

json::array decisions_document(const BootDecisions& decisions) {
  json::array shown;
  for (const auto& [by, decision] : decisions) shown.push_back(decision_document(by, decision));
  return shown;
}

json::value revocations_document(const std::optional<MoreRevocations>& more) {
  if (!more) return nullptr;
  return json::object{{"entries", more->entries},
                      {"form", more->update ? "update" : "lists"},
                      {"signer", or_null(more->signer)},
                      {"problem", or_null(more->problem)}};
}

std::vector<std::vector<std::string>> decision_rows(const BootDecisions& decisions) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [by, decision] : decisions)
    rows.push_back(
        {by, decision.loads ? "yes" : "no", decision.reason, fmt::format("{}", fmt::join(decision.signed_by, " <- "))});
  return rows;
}

std::string revocations_text(const std::optional<MoreRevocations>& more) {
  if (!more) return {};
  return fmt::format("{} more revocations{}\n\n", more->entries,
                     !more->signer.empty()    ? ", signed by " + more->signer
                     : !more->problem.empty() ? "; " + more->problem
                                              : std::string());
}

Result<json::object> pe_document(const InspectedPe& inspected) {
  const bootchain::UnverifiedPeImage& image = inspected.image;
  json::object digests;
  for (const HashAlgorithm algorithm : kAlgorithms) {
    SLIPWAY_ASSIGN(const Bytes digest, bootchain::authenticode_digest(image, algorithm));
    digests[to_string(algorithm)] = to_hex(digest);
  }
  json::array sections, signatures;
  for (const auto& section : image.sections)
    sections.push_back({{"name", section.name}, {"offset", section.offset}, {"size", section.size}});
  for (const auto& signature : bootchain::check_signatures(image)) signatures.push_back(signature_document(signature));
  const ByteView section = bootchain::section_of(image, ".sbat");
  const std::size_t section_offset = section.empty() ? 0 : static_cast<std::size_t>(section.data() - image.file.data());
  SLIPWAY_ASSIGN(const auto sbat, bootchain::read_sbat_section(section, section_offset));
  SLIPWAY_ASSIGN(json::value shim, shim_document(image));
  return json::object{{"machine", machine_name(image.machine)},
                      {"size", image.file.size()},
                      {"digests", std::move(digests)},
                      {"sections", std::move(sections)},
                      {"certificateTableEndsEvenly", image.certificate_table_ends_evenly},
                      {"signatures", std::move(signatures)},
                      {"sbat", sbat_document(sbat)},
                      {"shim", std::move(shim)},
                      {"moreRevocations", revocations_document(inspected.more_revocations)},
                      {"decisions", decisions_document(inspected.decisions)}};
}

Result<std::string> pe_table(const InspectedPe& inspected) {
  SLIPWAY_ASSIGN(const json::object document, pe_document(inspected));
  std::string out = fmt::format("PE image for {}, {} bytes\n", text(document.at("machine")), text(document.at("size")));
  for (const auto& digest : document.at("digests").get_object())
    out += fmt::format("Authenticode {}: {}\n", std::string_view(digest.key()), text(digest.value()));
  out += "\n";

  std::vector<std::vector<std::string>> rows;
  for (const json::value& each : document.at("sections").get_array())
    rows.push_back({text(each.at("name")), text(each.at("offset")), text(each.at("size"))});
  out += to_table({"Section", "Offset", "Bytes"}, rows) + "\n";

  rows.clear();
  for (const json::value& each : document.at("signatures").get_array()) {
    std::string signers;
    for (const json::value& signer : each.at("signers").get_array()) {
      const std::string subject = text(signer.at("subject"));
      signers.append(signers.empty() ? "" : ", ").append(subject).append(" by ").append(text(signer.at("issuer")));
    }
    rows.push_back(
        {signers, text(each.at("digestAlgorithm")), each.at("holds").get_bool() ? "holds" : text(each.at("reason"))});
  }
  out += rows.empty() ? "Not signed\n\n" : to_table({"Signed by", "Digest", "Signature"}, rows) + "\n";

  rows.clear();
  for (const json::value& each : document.at("sbat").get_array())
    rows.push_back({text(each.at("component")), text(each.at("generation")), text(each.at("vendor")),
                    text(each.at("package")), text(each.at("version"))});
  if (!rows.empty()) out += to_table({"SBAT component", "Generation", "Vendor", "Package", "Version"}, rows) + "\n";

  if (const json::object* shim = document.at("shim").if_object())
    out += fmt::format("shim trusts {}; revokes {} images or certificates; sets SBAT level {}\n\n",
                       joined(shim->at("authorized").get_array(), ", "), shim->at("revoked").get_array().size(),
                       shim->at("automaticLevel").is_null() ? "none" : text(shim->at("automaticLevel").at("date")));
  out += revocations_text(inspected.more_revocations);
  rows = decision_rows(inspected.decisions);
  if (!rows.empty()) out += to_table({"Loaded by", "Loads", "Why", "Signed by"}, rows);
  return out;
}

}  // namespace slipway::cli
