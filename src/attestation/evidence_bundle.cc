#include "attestation/evidence_bundle.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "attestation/json_cursor.h"

namespace slipway::attestation {
namespace {

constexpr std::string_view kFormat = "slipway-evidence";
constexpr std::size_t kMaximumName = 256;
constexpr std::size_t kMaximumTime = 40;
constexpr std::size_t kMaximumKey = 1024;
constexpr std::size_t kMaximumAttest = 4096;
constexpr std::size_t kMaximumLog = 4U << 20;
constexpr std::size_t kMaximumRequest = 16U << 10;
constexpr std::size_t kMaximumCertificate = 16U << 10;
constexpr std::size_t kMaximumRevocation = 64U << 10;
constexpr std::size_t kMaximumRevocations = 65536;
constexpr std::size_t kMaximumPredictions = 16;
constexpr std::int64_t kLastQuotablePcr = 23;
constexpr std::int64_t kMaximumNumber = INT64_MAX;

// A JSON text from its parts: the logs are megabytes, so no tree is made of them.
class Writer {
 public:
  Writer& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  Writer& string(std::string_view text) {
    return raw(boost::json::serialize(boost::json::string_view(text.data(), text.size())));
  }
  Writer& bytes(ByteView bytes) { return raw("\"").raw(to_base64(bytes)).raw("\""); }
  Writer& time(Time time) { return string(to_rfc3339(time)); }
  Writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  template <typename Integer>
  Writer& number(Integer value) {
    return raw(fmt::format("{}", value));
  }
  template <typename List, typename Write>
  Writer& array(const List& list, Write write) {
    raw("[");
    bool first = true;
    for (const auto& item : list) {
      if (!first) raw(",");
      first = false;
      write(item);
    }
    return raw("]");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void write_sighting(Writer& writer, const TpmSighting& sighting) {
  writer.raw(R"({"endorsementKeySha256":)").bytes(sighting.endorsement_key);
  writer.raw(R"(,"attestationKeyName":)").bytes(sighting.attestation_key);
  // As texts: 64 bits have no place in JSON's numbers.
  writer.raw(R"(,"clock":")").number(sighting.clock.clock).raw("\"");
  writer.raw(R"(,"resetCount":)").number(sighting.clock.reset_count);
  writer.raw(R"(,"restartCount":)").number(sighting.clock.restart_count);
  writer.raw(R"(,"safe":)").boolean(sighting.clock.safe);
  writer.raw(R"(,"firmwareVersion":")").raw(fmt::format("{:016x}", sighting.firmware_version)).raw("\"");
  writer.raw(R"(,"imaEntries":)").number(sighting.ima_entries);
  writer.raw(R"(,"challenged":)").time(sighting.challenged);
  writer.raw(R"(,"received":)").time(sighting.received).raw("}");
}

void write_references(Writer& writer, const References& references) {
  const auto bytes = [&writer](const Bytes& item) { writer.bytes(item); };
  writer.raw(R"({"secureBootRequired":)").boolean(references.secure_boot_required);
  writer.raw(R"(,"policy":)").raw(to_json(references.policy));
  writer.raw(R"(,"predictions":)").array(references.predictions, [&writer](const ValidPrediction& valid) {
    writer.raw(R"({"expires":)");
    valid.expires ? writer.time(*valid.expires) : writer.raw("null");
    writer.raw(R"(,"prediction":)").raw(image::to_json(valid.prediction)).raw("}");
  });
  const Revocations& revocations = references.revocations;
  writer.raw(R"(,"revocations":{"images":)").array(revocations.image_sha256, bytes);
  writer.raw(R"(,"certificates":)").array(revocations.certificates, bytes);
  writer.raw(R"(,"certificateDigests":)").array(revocations.certificate_sha256, bytes).raw("}}");
}

// Reads members in their one order, and keeps the first error: what follows it reads nothing.
class Reader {
 public:
  Reader(std::string_view text, std::string_view what) : text_(text), cursor_(text, what) {}

  void enter() { keep(cursor_.enter_object()); }
  void leave() { keep(cursor_.leave_object()); }
  void key(std::string_view name) { keep(cursor_.expect_key(name)); }
  void text(std::string_view name, std::size_t maximum, std::string& out) {
    key(name);
    take([&] { return cursor_.string(maximum); }, out);
  }
  void bytes(std::string_view name, std::size_t maximum, Bytes& out) {
    key(name);
    take([&] { return cursor_.base64(maximum); }, out);
  }
  void boolean(std::string_view name, bool& out) {
    key(name);
    take([&] { return cursor_.boolean(); }, out);
  }
  template <typename Integer>
  void number(std::string_view name, std::int64_t maximum, Integer& out) {
    key(name);
    std::int64_t value = 0;
    take([&] { return cursor_.integer(0, maximum); }, value);
    out = static_cast<Integer>(value);
  }
  void time(std::string_view name, Time& out) {
    key(name);
    time_value(out);
  }
  void time_value(Time& out) {
    parsed([](std::string_view text) { return from_rfc3339(text); }, kMaximumTime, out);
  }
  // A string that `parse` understands.
  template <typename Parse, typename Out>
  void parsed(Parse parse, std::size_t maximum, Out& out) {
    const std::size_t start = cursor_.offset();
    std::string text;
    take([&] { return cursor_.string(maximum); }, text);
    if (!status_) return;
    auto value = parse(text);
    if (value)
      out = *std::move(value);
    else
      refuse(start, value.error().message);
  }
  // A whole value of a form of its own.
  template <typename Parse, typename Out>
  void nested(std::string_view name, Parse parse, Out& out) {
    key(name);
    std::string_view raw;
    take([&] { return cursor_.raw_value(); }, raw);
    if (!status_) return;
    const auto start = static_cast<std::size_t>(raw.data() - text_.data());
    auto value = parse(raw);
    if (value)
      out = *std::move(value);
    else
      refuse(start, value.error().message);
  }
  bool null() {
    bool is_null = false;
    take([&] { return cursor_.null(); }, is_null);
    return is_null || !status_;
  }
  template <typename Read>
  void array(std::string_view name, std::size_t maximum, Read read) {
    key(name);
    keep(status_ ? cursor_.enter_array() : Status());
    for (std::size_t count = 0; status_; ++count) {
      bool more = false;
      take([&] { return cursor_.next_element(); }, more);
      if (!status_ || !more) return;
      if (count == maximum) return refuse(cursor_.offset(), fmt::format("more than {} elements", maximum));
      read();
    }
  }
  void element_bytes(std::size_t maximum, std::vector<Bytes>& out) {
    Bytes bytes;
    take([&] { return cursor_.base64(maximum); }, bytes);
    out.push_back(std::move(bytes));
  }
  void element_pcr(std::vector<int>& out) {
    std::int64_t pcr = 0;
    take([&] { return cursor_.integer(0, kLastQuotablePcr); }, pcr);
    out.push_back(static_cast<int>(pcr));
  }
  void finish() {
    if (status_) keep(cursor_.finish());
  }
  std::size_t offset() const { return cursor_.offset(); }
  void refuse(std::size_t offset, std::string_view message) {
    if (status_) status_ = cursor_.malformed(offset, message);
  }
  const Status& status() const { return status_; }

 private:
  void keep(Status status) {
    if (status_) status_ = std::move(status);
  }
  template <typename Read, typename Out>
  void take(Read read, Out& out) {
    if (!status_) return;
    auto value = read();
    if (value)
      out = *std::move(value);
    else
      status_ = fail(std::move(value).error());
  }

  std::string_view text_;
  JsonCursor cursor_;
  Status status_;
};

Result<std::uint64_t> from_sixteen_digits(std::string_view text) {
  SLIPWAY_ASSIGN(const Bytes bytes, from_hex(text));
  if (bytes.size() != 8) return fail(ErrorCode::kMalformed, "expected 16 hexadecimal digits");
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

Result<std::uint64_t> from_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return fail(ErrorCode::kMalformed, "expected a number of at most 64 bits");
  return value;
}

void read_sighting(Reader& reader, TpmSighting& sighting) {
  reader.enter();
  reader.bytes("endorsementKeySha256", 32, sighting.endorsement_key);
  reader.bytes("attestationKeyName", 64, sighting.attestation_key);
  reader.key("clock");
  reader.parsed(from_decimal, 20, sighting.clock.clock);
  reader.number("resetCount", UINT32_MAX, sighting.clock.reset_count);
  reader.number("restartCount", UINT32_MAX, sighting.clock.restart_count);
  reader.boolean("safe", sighting.clock.safe);
  reader.key("firmwareVersion");
  reader.parsed(from_sixteen_digits, 16, sighting.firmware_version);
  reader.number("imaEntries", kMaximumNumber, sighting.ima_entries);
  reader.time("challenged", sighting.challenged);
  reader.time("received", sighting.received);
  reader.leave();
}

void read_expectation(Reader& reader, EvidenceBundle& bundle) {
  reader.key("expectation");
  reader.enter();
  reader.bytes("qualifyingData", 64, bundle.expectation.qualifying_data);
  reader.bytes("attestationKey", kMaximumKey, bundle.expectation.attestation_key);
  reader.array("pcrs", kLastQuotablePcr + 1, [&] { reader.element_pcr(bundle.expectation.pcrs); });
  const std::size_t start = reader.offset();
  reader.text("purpose", 16, bundle.purpose);
  if (reader.status() && bundle.purpose != "enrol" && bundle.purpose != "attest")
    reader.refuse(start, R"(expected the purpose "enrol" or "attest")");
  reader.bytes("nonce", 64, bundle.nonce);
  reader.bytes("clientRequest", kMaximumRequest, bundle.client_request);
  reader.bytes("servingRequest", kMaximumRequest, bundle.serving_request);
  reader.leave();
}

void read_evidence(Reader& reader, UnverifiedEvidence& evidence) {
  reader.key("evidence");
  reader.enter();
  reader.bytes("quote", kMaximumAttest, evidence.attest);
  reader.bytes("signature", kMaximumAttest, evidence.signature);
  reader.bytes("firmwareEventLog", kMaximumLog, evidence.firmware_event_log);
  reader.bytes("imaLog", kMaximumLog, evidence.ima_log);
  reader.leave();
}

void read_circumstances(Reader& reader, Circumstances& circumstances) {
  reader.key("circumstances");
  reader.enter();
  reader.time("appraised", circumstances.now);
  reader.time("challenged", circumstances.challenged);
  reader.bytes("endorsementKeySha256", 32, circumstances.endorsement_key);
  reader.boolean("hostRestarted", circumstances.host_restarted);
  reader.key("previous");
  if (!reader.null()) {
    TpmSighting previous;
    read_sighting(reader, previous);
    circumstances.previous = std::move(previous);
  }
  reader.leave();
}

void read_endorsement(Reader& reader, std::optional<EndorsementCertificates>& endorsement) {
  reader.key("endorsement");
  if (reader.null()) return;
  const std::size_t start = reader.offset();
  EndorsementCertificates certificates;
  reader.enter();
  reader.bytes("certificate", kMaximumCertificate, certificates.certificate);
  reader.bytes("authority", kMaximumCertificate, certificates.authority);
  reader.leave();
  if (certificates.certificate.empty() || certificates.authority.empty())
    reader.refuse(start, "expected two certificates, or null");
  endorsement = std::move(certificates);
}

void read_references(Reader& reader, References& references) {
  reader.key("references");
  reader.enter();
  reader.boolean("secureBootRequired", references.secure_boot_required);
  reader.nested("policy", policy_from_json, references.policy);
  reader.array("predictions", kMaximumPredictions, [&] {
    ValidPrediction valid;
    reader.enter();
    reader.key("expires");
    if (!reader.null()) {
      Time expires{};
      reader.time_value(expires);
      valid.expires = expires;
    }
    reader.nested("prediction", image::prediction_from_json, valid.prediction);
    reader.leave();
    references.predictions.push_back(std::move(valid));
  });
  reader.key("revocations");
  reader.enter();
  Revocations& revocations = references.revocations;
  reader.array("images", kMaximumRevocations, [&] { reader.element_bytes(32, revocations.image_sha256); });
  reader.array("certificates", kMaximumRevocations,
               [&] { reader.element_bytes(kMaximumRevocation, revocations.certificates); });
  reader.array("certificateDigests", kMaximumRevocations,
               [&] { reader.element_bytes(32, revocations.certificate_sha256); });
  reader.leave();
  reader.leave();
}

}  // namespace

std::string to_json(const TpmSighting& sighting) {
  Writer writer;
  write_sighting(writer, sighting);
  return writer.take();
}

Result<TpmSighting> sighting_from_json(std::string_view json) {
  Reader reader(json, "the last sighting of a TPM");
  TpmSighting sighting;
  read_sighting(reader, sighting);
  reader.finish();
  if (!reader.status()) return fail(reader.status().error());
  return sighting;
}

std::string to_json(const EvidenceBundle& bundle) {
  Writer writer;
  writer.raw(R"({"format":)").string(kFormat).raw(R"(,"version":)").number(kBundleVersion);
  writer.raw(R"(,"node":)").string(bundle.node).raw(R"(,"instance":)").string(bundle.instance);
  writer.raw(R"(,"expectation":{"qualifyingData":)").bytes(bundle.expectation.qualifying_data);
  writer.raw(R"(,"attestationKey":)").bytes(bundle.expectation.attestation_key);
  writer.raw(R"(,"pcrs":)").array(bundle.expectation.pcrs, [&writer](int pcr) { writer.number(pcr); });
  writer.raw(R"(,"purpose":)").string(bundle.purpose).raw(R"(,"nonce":)").bytes(bundle.nonce);
  writer.raw(R"(,"clientRequest":)").bytes(bundle.client_request);
  writer.raw(R"(,"servingRequest":)").bytes(bundle.serving_request);
  writer.raw(R"(},"evidence":{"quote":)").bytes(bundle.evidence.attest);
  writer.raw(R"(,"signature":)").bytes(bundle.evidence.signature);
  writer.raw(R"(,"firmwareEventLog":)").bytes(bundle.evidence.firmware_event_log);
  writer.raw(R"(,"imaLog":)").bytes(bundle.evidence.ima_log);
  writer.raw(R"(},"circumstances":{"appraised":)").time(bundle.circumstances.now);
  writer.raw(R"(,"challenged":)").time(bundle.circumstances.challenged);
  writer.raw(R"(,"endorsementKeySha256":)").bytes(bundle.circumstances.endorsement_key);
  writer.raw(R"(,"hostRestarted":)").boolean(bundle.circumstances.host_restarted).raw(R"(,"previous":)");
  if (bundle.circumstances.previous)
    write_sighting(writer, *bundle.circumstances.previous);
  else
    writer.raw("null");
  writer.raw(R"(},"endorsement":)");
  if (bundle.endorsement)
    writer.raw(R"({"certificate":)")
        .bytes(bundle.endorsement->certificate)
        .raw(R"(,"authority":)")
        .bytes(bundle.endorsement->authority)
        .raw("}");
  else
    writer.raw("null");
  writer.raw(R"(,"references":)");
  write_references(writer, bundle.references);
  return writer.raw(R"(,"verdict":)").raw(bundle.verdict).raw("}\n").take();
}

Result<EvidenceBundle> bundle_from_json(std::string_view json) {
  Reader reader(json, "the evidence bundle");
  if (json.size() > kMaximumBundle) reader.refuse(kMaximumBundle, "a bundle has at most 64 MiB");
  EvidenceBundle bundle;
  std::string format;
  int version = 0;
  reader.enter();
  reader.text("format", 64, format);
  if (reader.status() && format != kFormat) reader.refuse(0, "expected the format \"slipway-evidence\"");
  reader.number("version", kBundleVersion, version);
  if (reader.status() && version < kFirstBundleVersion) reader.refuse(0, "expected version 1 or 2");
  reader.text("node", kMaximumName, bundle.node);
  reader.text("instance", kMaximumName, bundle.instance);
  read_expectation(reader, bundle);
  read_evidence(reader, bundle.evidence);
  read_circumstances(reader, bundle.circumstances);
  if (version > kFirstBundleVersion) read_endorsement(reader, bundle.endorsement);
  read_references(reader, bundle.references);
  // In the one form that a verdict has, whatever white space a tool put between.
  const auto as_text_of_a_verdict = [](std::string_view raw) -> Result<std::string> {
    SLIPWAY_ASSIGN(const Verdict verdict, verdict_from_json(raw));
    return to_json(verdict);
  };
  reader.nested("verdict", as_text_of_a_verdict, bundle.verdict);
  reader.leave();
  reader.finish();
  if (!reader.status()) return fail(reader.status().error());
  return bundle;
}

Result<Verdict> appraise_again(const EvidenceBundle& bundle) {
  SLIPWAY_ASSIGN(const Appraiser appraiser, Appraiser::make(bundle.references));
  return appraiser.appraise(bundle.evidence, bundle.expectation, bundle.circumstances).verdict;
}

}  // namespace slipway::attestation
