#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>

#include "attestation/evidence_bundle.h"
#include "attestation/policy.h"
#include "attestation/references.h"
#include "attestation/verdict.h"
#include "bench/corpus.h"
#include "bench/hostile.h"
#include "bootchain/image_signatures.h"
#include "bootchain/module_signature.h"
#include "bootchain/pe_image.h"
#include "bootchain/sbat.h"
#include "bootchain/signature_list.h"
#include "bootchain/variable_update.h"
#include "crypto/authenticode_signers.h"
#include "crypto/certificate_details.h"
#include "crypto/signed_data.h"
#include "image/calibration.h"
#include "image/fat_volume.h"
#include "image/manifest.h"
#include "image/prediction.h"

namespace slipway::bench {
namespace {

constexpr std::size_t kPeOffset = 0x40, kOptional = kPeOffset + 24, kSectionTable = kOptional + 112 + 128;
constexpr std::size_t kCertificateEntry = kOptional + 112 + 32;
constexpr std::size_t kMostSections = 96, kMostSignatures = 16, kMostSigners = 16, kMostCertificates = 32;

void put_at(Bytes& bytes, std::size_t at, std::size_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Bytes joined(const std::vector<Bytes>& pieces) {
  Bytes all;
  for (const Bytes& piece : pieces) put_bytes(all, piece);
  return all;
}

Bytes times(const Bytes& piece, std::size_t count) { return joined(std::vector<Bytes>(count, piece)); }

// An element of DER.
Bytes der(std::uint8_t tag, const std::vector<Bytes>& pieces) {
  const Bytes content = joined(pieces);
  Bytes out{tag};
  if (content.size() >= 0x80) {
    out.push_back(0x83);
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<std::uint8_t>(content.size() >> shift));
  } else {
    out.push_back(static_cast<std::uint8_t>(content.size()));
  }
  put_bytes(out, content);
  return out;
}

Bytes hex(std::string_view text) { return from_hex(text).value(); }

const Bytes kOne = hex("020101");
const Bytes kSha512 = hex("300b0609608648016503040203");
const Bytes kNoContent = hex("300b06092a864886f70d010701");
const Bytes kShortestIdentifier = hex("300306012a");

Bytes signed_data(const Bytes& algorithms, const Bytes& certificates, const Bytes& signers) {
  return der(
      0x30, {hex("06092a864886f70d010702"), der(0xa0, {der(0x30, {kOne, der(0x31, {algorithms}), kNoContent,
                                                                  der(0xa0, {certificates}), der(0x31, {signers})})})});
}

Bytes certificate(const Bytes& name, const Bytes& key) {
  const Bytes date = hex("170d3230303130313030303030305a");
  return der(0x30, {der(0x30, {kOne, kShortestIdentifier, der(0x30, {}), der(0x30, {date, date}), name, key}),
                    kShortestIdentifier, hex("030100")});
}

// A key on P-256: its generator.
Bytes certificate_with_a_key() {
  return certificate(
      der(0x30, {}),
      hex("3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d81"
          "2deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"));
}

Bytes shortest_certificate(const Bytes& name) {
  return certificate(name, der(0x30, {kShortestIdentifier, hex("030100")}));
}

// Of whoever has no name and the number 1.
Bytes shortest_signer() { return der(0x30, {kOne, der(0x30, {der(0x30, {}), kOne}), kSha512, kSha512, hex("0400")}); }

Bytes name_of(std::size_t size) {
  return der(0x30, {der(0x31, {der(0x30, {hex("0603550403"), der(0x0c, {Bytes(size, 'A')})})})});
}

// Every signer has the one certificate, and its subject is as long as can be.
Bytes signers_of_a_long_name() {
  return signed_data(kSha512, shortest_certificate(name_of(4000)), times(shortest_signer(), kMostSigners));
}
Bytes digest_algorithms() { return signed_data(times(kSha512, (kHostileSize - 200) / kSha512.size()), {}, {}); }
Bytes nothing_but_signers() {
  return signed_data(kSha512, {}, times(shortest_signer(), (kHostileSize - 200) / shortest_signer().size()));
}
Bytes nothing_but_certificates() {
  const Bytes shortest = shortest_certificate(der(0x30, {}));
  return signed_data(kSha512, times(shortest, (kHostileSize - 200) / shortest.size()), {});
}
Bytes most_certificates() {
  return signed_data(kSha512, times(certificate_with_a_key(), kMostCertificates), shortest_signer());
}

Bytes pe_headers(std::size_t sections) {
  Bytes image(kSectionTable + 40 * sections, 0);
  image[0] = 'M';
  image[1] = 'Z';
  put_at(image, 0x3c, kPeOffset, 4);
  put_at(image, kPeOffset, 0x4550, 4);
  put_at(image, kPeOffset + 6, sections, 2);
  put_at(image, kPeOffset + 20, kSectionTable - kOptional, 2);
  put_at(image, kOptional, 0x20b, 2);
  put_at(image, kOptional + 60, image.size(), 4);
  put_at(image, kOptional + 108, 16, 4);
  return image;
}

// Each section is the whole file.
Bytes overlapping_sections() {
  Bytes image = filled_to(pe_headers(kMostSections));
  for (std::size_t i = 0; i < kMostSections; ++i) put_at(image, kSectionTable + 40 * i + 16, kHostileSize, 4);
  return image;
}

Bytes image_with_signatures(const Bytes& signature) {
  Bytes table;
  for (std::size_t i = 0; i < kMostSignatures && table.size() + signature.size() + 16 < kHostileSize - 1024; ++i) {
    put_u32_le(table, static_cast<std::uint32_t>(signature.size() + 8));
    put_bytes(table, Bytes{0, 2, 2, 0});
    put_bytes(table, signature);
    table.resize((table.size() + 7) / 8 * 8, 0);
  }
  Bytes image = pe_headers(0);
  image.resize(kHostileSize - table.size(), 0);
  put_at(image, kCertificateEntry, image.size(), 4);
  put_at(image, kCertificateEntry + 4, table.size(), 4);
  put_bytes(image, table);
  return image;
}

// Sixteen signatures, of as many certificates as are read.
Bytes image_with_certificates() {
  const Bytes one = certificate_with_a_key();
  return image_with_signatures(
      signed_data(kSha512, times(one, kMostCertificates / kMostSignatures), shortest_signer()));
}

// A FAT12 volume that is one folder.
Bytes folder_of(const std::function<Bytes(std::size_t)>& entry) {
  constexpr std::size_t kSector = 512, kEntries = (kHostileSize / kSector - 8) * kSector / 32;
  Bytes volume(2 * kSector, 0);
  put_at(volume, 11, kSector, 2);
  put_at(volume, 13, 1, 1);
  put_at(volume, 14, 1, 2);
  put_at(volume, 16, 1, 1);
  put_at(volume, 17, kEntries, 2);
  put_at(volume, 19, kHostileSize / kSector, 2);
  put_at(volume, 22, 1, 2);
  put_at(volume, 510, 0xaa55, 2);
  for (std::size_t i = 0; volume.size() < 2 * kSector + kEntries * 32; ++i) put_bytes(volume, entry(i));
  return filled_to(std::move(volume));
}

Bytes short_entry(std::size_t index) {
  Bytes entry(32, 0);
  const std::string name = fmt::format("{:08}TXT", index);
  std::copy(name.begin(), name.end(), entry.begin());
  return entry;
}

// Twenty parts of a long name in front of each.
Bytes long_entry(std::size_t index) {
  const Bytes last = short_entry(index);
  std::uint8_t sum = 0;
  for (std::size_t i = 0; i < 11; ++i) sum = static_cast<std::uint8_t>(((sum & 1) << 7) + (sum >> 1) + last[i]);
  Bytes entry;
  for (std::size_t part = 20; part > 0; --part) {
    Bytes piece(32, 0x4e);
    piece[0] = static_cast<std::uint8_t>(part == 20 ? 0x40 | part : part);
    piece[1] = static_cast<std::uint8_t>(0x41 + index % 26);
    piece[3] = static_cast<std::uint8_t>(0x41 + index / 26 % 26);
    piece[11] = 0x0f;
    piece[12] = 0;
    piece[13] = sum;
    put_bytes(entry, piece);
  }
  put_bytes(entry, last);
  return entry;
}

Bytes module_with(const Bytes& signature) {
  Bytes file = to_bytes(
      "\x7f"
      "ELF");
  put_bytes(file, signature);
  put_bytes(file, Bytes{0, 0, 2, 0, 0, 0, 0, 0});
  for (const int shift : {24, 16, 8, 0}) file.push_back(static_cast<std::uint8_t>(signature.size() >> shift));
  put_bytes(file, as_bytes("~Module signature appended~\n"));
  return file;
}

std::string lines_of(std::string_view rest) {
  std::string text;
  for (int i = 0; i < 256; ++i) text += std::string(200, 'c') + std::string(rest) + "\n";
  return text;
}

Bytes pem_of_shortest_certificates() {
  const std::string block = "-----BEGIN CERTIFICATE-----\n" + to_base64(shortest_certificate(der(0x30, {}))) +
                            "\n-----END CERTIFICATE-----\n";
  return repeated(as_bytes(block));
}

void judge_image(ByteView bytes) {
  const auto image = bootchain::parse_pe_image(bytes);
  if (!image) return;
  benchmark::DoNotOptimize(bootchain::check_signatures(*image));
}

void digest_image(ByteView bytes) {
  const auto image = bootchain::parse_pe_image(bytes);
  if (!image) return;
  for (const auto algorithm : {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha256,
                               crypto::HashAlgorithm::kSha384, crypto::HashAlgorithm::kSha512})
    benchmark::DoNotOptimize(bootchain::authenticode_digest(*image, algorithm));
}

void read_signature(ByteView bytes) {
  const auto read = crypto::SignedData::from_der(bytes);
  if (!read) return;
  benchmark::DoNotOptimize(read->signatures_hold(read->content()));
}

void name_signers(ByteView bytes) { benchmark::DoNotOptimize(crypto::authenticode_signers(bytes)); }

void add_images(std::vector<Hostile>& all) {
  all.push_back({"PE image: zeros behind MZ", filled_to({'M', 'Z'}),
                 [](ByteView bytes) { benchmark::DoNotOptimize(bootchain::authenticode_sha256(bytes)); }});
  all.push_back({"PE image: every section is the whole file", overlapping_sections(), digest_image});
  all.push_back({"PE image: sixteen signatures", image_with_signatures(signed_data(kSha512, {}, {})), judge_image});
  all.push_back({"PE image: sixteen signatures of certificates", image_with_certificates(), judge_image});
  all.push_back({"PE image: signers of sixteen signatures", image_with_certificates(),
                 [](ByteView bytes) { benchmark::DoNotOptimize(bootchain::pe_signers(bytes)); }});
}

void add_signatures(std::vector<Hostile>& all) {
  all.push_back({"PKCS#7: signers of a long name, read", signers_of_a_long_name(), read_signature});
  all.push_back({"PKCS#7: signers of a long name, named", signers_of_a_long_name(), name_signers});
  all.push_back({"PKCS#7: digest algorithms", digest_algorithms(), read_signature});
  all.push_back({"PKCS#7: signers", nothing_but_signers(), read_signature});
  all.push_back({"PKCS#7: signers, named", nothing_but_signers(), name_signers});
  all.push_back({"PKCS#7: certificates", nothing_but_certificates(), read_signature});
  all.push_back({"PKCS#7: certificates, as many as are read", most_certificates(), read_signature});
  all.push_back({"PKCS#7: elements of nothing", der(0x30, {Bytes(kHostileSize - 10, 5)}), read_signature});
  const auto module = [](ByteView bytes) { benchmark::DoNotOptimize(bootchain::read_module(bytes)); };
  all.push_back({"kernel module: digest algorithms", module_with(digest_algorithms()), module});
  all.push_back({"kernel module: certificates", module_with(nothing_but_certificates()), module});
  all.push_back({"certificate: names",
                 certificate(der(0x30, {times(der(0x31, {der(0x30, {hex("0603550403"), hex("0c00")})}),
                                              (kHostileSize - 200) / 13)}),
                             der(0x30, {kShortestIdentifier, hex("030100")})),
                 [](ByteView bytes) { benchmark::DoNotOptimize(crypto::Certificate::from_der(bytes)); }});
  all.push_back({"certificates: PEM", pem_of_shortest_certificates(),
                 [](ByteView bytes) { benchmark::DoNotOptimize(crypto::certificates_from_pem(as_text(bytes))); }});
}

void add_lists(std::vector<Hostile>& all) {
  all.push_back({"SBAT: shortest lines", repeated(as_bytes(",,,,,\n")),
                 [](ByteView bytes) { benchmark::DoNotOptimize(bootchain::read_sbat_section(bytes)); }});
  all.push_back(
      {"SBAT: components of one name against such a level", to_bytes(lines_of("b,1,,,,")), [](ByteView bytes) {
         static const Bytes level = to_bytes("sbat,1,1\n" + lines_of("a,1").substr(0, 50000));
         const auto entries = bootchain::read_sbat_section(bytes);
         const auto least = bootchain::read_sbat_level(level);
         if (entries && least) benchmark::DoNotOptimize(bootchain::find_revoked(*entries, *least));
       }});
  const auto revocations = [](ByteView bytes) {
    benchmark::DoNotOptimize(attestation::revocations_from_dbx(bytes));
    benchmark::DoNotOptimize(bootchain::read_signature_list_file(bytes));
  };
  all.push_back({"dbx: smallest signatures", smallest_signatures(), revocations});
  Bytes update(16, 0);
  put_u32_le(update, kHostileSize - 16);
  put_bytes(update, Bytes{0, 2, 0xf1, 0x0e});
  put_bytes(update, bootchain::guid_from_text("4aafd29d-68df-49ee-8aa9-347d375665a7").value().bytes);
  put_bytes(update, nothing_but_certificates());
  all.push_back({"dbx: an update of certificates", filled_to(std::move(update)), revocations});
  const auto folder = [](ByteView bytes) {
    benchmark::DoNotOptimize(image::read_fat_files(image::reader_of(bytes), bytes.size()));
  };
  all.push_back({"FAT volume: a folder of short names", folder_of(short_entry), folder});
  all.push_back({"FAT volume: a folder of long names", folder_of(long_entry), folder});
}

void add_json(std::vector<Hostile>& all) {
  const std::vector<std::pair<std::string, std::function<void(ByteView)>>> readers = {
      {"manifest", [](ByteView bytes) { benchmark::DoNotOptimize(image::manifest_from_json(as_text(bytes))); }},
      {"verdict", [](ByteView bytes) { benchmark::DoNotOptimize(attestation::verdict_from_json(as_text(bytes))); }},
      {"policy", [](ByteView bytes) { benchmark::DoNotOptimize(attestation::policy_from_json(as_text(bytes))); }},
      {"prediction", [](ByteView bytes) { benchmark::DoNotOptimize(image::prediction_from_json(as_text(bytes))); }},
      {"calibration", [](ByteView bytes) { benchmark::DoNotOptimize(image::calibration_from_json(as_text(bytes))); }},
      {"bundle", [](ByteView bytes) { benchmark::DoNotOptimize(attestation::bundle_from_json(as_text(bytes))); }},
  };
  std::string members = "{";
  for (int i = 0; members.size() + 12 < kHostileSize; ++i) members += fmt::format("\"{:x}\":0,", i);
  members.back() = '}';
  Bytes numbers = repeated(as_bytes("0,"), to_bytes("["));
  numbers.back() = ']';
  for (const auto& [name, read] : readers) {
    all.push_back({"JSON: nested arrays as a " + name, repeated(Bytes{'['}), read});
    all.push_back({"JSON: shortest members as a " + name, to_bytes(members), read});
    all.push_back({"JSON: shortest numbers as a " + name, numbers, read});
  }
  // A good bundle that goes on as it began: its evidence is decoded before anything is wrong.
  Bytes bundle = read_corpus("evidence/second-image.json");
  bundle.resize(bundle.size() - 1);
  all.push_back({"JSON: a whole bundle that does not end", std::move(bundle), readers.back().second});
}

}  // namespace

void add_hostile_files(std::vector<Hostile>& all) {
  add_images(all);
  add_signatures(all);
  add_lists(all);
  add_json(all);
}

}  // namespace slipway::bench
