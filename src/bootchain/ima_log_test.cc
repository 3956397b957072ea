#include "bootchain/ima_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/events_for_tests.h"

namespace slipway::bootchain {
namespace {

using ::testing::HasSubstr;

// Two entries of the documentation of IMA (the project's wiki, "IMA measurement list"), put into binary form.
Bytes oldest_entry(std::string_view template_digest, std::string_view file_digest, std::string_view path) {
  Bytes bytes;
  put_u32_le(bytes, 10);
  put_bytes(bytes, from_hex(template_digest).value());
  put_u32_le(bytes, 3);
  put_bytes(bytes, as_bytes("ima"));
  put_bytes(bytes, from_hex(file_digest).value());
  put_u32_le(bytes, static_cast<std::uint32_t>(path.size()));
  put_bytes(bytes, as_bytes(path));
  return bytes;
}
Bytes oldest_log() {
  Bytes bytes = oldest_entry("7971593a7ad22a7cce5b234e4bc5d71b04696af4", "b5a166c10d153b7cc3e5b4f1eab1f71672b7c524",
                             "boot_aggregate");
  put_bytes(bytes, oldest_entry("2c7020ad8cab6b7419e4973171cb704bdbf52f77", "e09e048c48301268ff38645f4c006137e42951d0",
                                "/init"));
  return bytes;
}

TEST(OldestImaTemplate, IsReadByTheTools) {
  const auto entries = parse_ima_log(oldest_log(), ImaTemplates::kAll);
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 2u);
  const auto file = read_ima_measurement(entries->at(1));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->path, "/init");
  EXPECT_EQ(file->algorithm, "sha1");
  EXPECT_EQ(to_hex(file->digest), "e09e048c48301268ff38645f4c006137e42951d0");
  EXPECT_EQ(encode_ima_log(*entries), oldest_log());
}

TEST(OldestImaTemplate, IsNotTakenForAppraisal) { EXPECT_FALSE(parse_ima_log(oldest_log())); }

TEST(OldestImaTemplate, IsHeldAgainstItsDigest) {
  for (const std::size_t at : {31u + 5u, 31u + 20u + 4u + 3u}) {
    Bytes forged = oldest_log();
    forged[at] ^= 1;
    EXPECT_THAT(parse_ima_log(forged, ImaTemplates::kAll).error().message,
                HasSubstr("at offset 4: expected the SHA-1"));
  }
  EXPECT_FALSE(parse_ima_log(ByteView(oldest_log()).first(60), ImaTemplates::kAll));
  Bytes long_path = oldest_log();
  long_path[51] = 0xff;
  long_path[52] = 1;
  EXPECT_THAT(parse_ima_log(long_path, ImaTemplates::kAll).error().message, HasSubstr("at most 255 bytes"));
}

TEST(ImaLog, GivesTheValueOfPcr10InEveryBank) {
  const auto entries = parse_ima_log(read_corpus("boots/debian12-ovmf-verity/ima.bin")).value();
  EXPECT_EQ(to_hex(ima_pcr_value(entries, crypto::HashAlgorithm::kSha256)),
            "ca973712e28a6fb0d6c47400e6a96ae39ce2facd4c441c86c51c17868833b0b5");
  EXPECT_EQ(ima_pcr_value(entries, crypto::HashAlgorithm::kSha1).size(), 20u);
  EXPECT_EQ(ima_pcr_value(entries, crypto::HashAlgorithm::kSha256), ima_pcr_values(entries).back());
}

TEST(ImaLog, SurvivesARoundTrip) {
  const Bytes real = read_corpus("boots/debian12-ovmf-secureboot/ima.bin");
  EXPECT_EQ(encode_ima_log(parse_ima_log(real).value()), real);
}

// Of the template "ima" the file's SHA-1 and its path, which has zeros behind it.
Bytes any_oldest_data(Arbitrary& arbitrary) {
  Bytes data = arbitrary.bytes(20);
  put_bytes(data, as_bytes(arbitrary.text(255)));
  data.resize(20 + 256, 0);
  return data;
}

UnverifiedImaEntry any_entry(Arbitrary& arbitrary) {
  UnverifiedImaEntry entry;
  entry.pcr = 10;
  const bool oldest = arbitrary.number(4) == 0;
  entry.template_name = oldest ? "ima" : "x" + arbitrary.text(20);
  entry.template_data = oldest ? any_oldest_data(arbitrary) : arbitrary.some_bytes(300);
  entry.violation = arbitrary.number(4) == 0;
  entry.template_sha1 =
      entry.violation ? Bytes(20, 0) : crypto::digest(crypto::HashAlgorithm::kSha1, entry.template_data);
  entry.sha256_extended = entry.violation ? Bytes(32, 0xff) : crypto::sha256(entry.template_data);
  return entry;
}

TEST(ImaLog, SurvivesARoundTripWhateverItHolds) {
  Arbitrary arbitrary(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<UnverifiedImaEntry> entries;
    for (std::uint32_t i = arbitrary.number(30); i-- > 0;) entries.push_back(any_entry(arbitrary));
    const Bytes log = encode_ima_log(entries);
    const auto again = parse_ima_log(log, ImaTemplates::kAll);
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(again->size(), entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ(again->at(i).pcr, entries[i].pcr);
      EXPECT_EQ(again->at(i).template_sha1, entries[i].template_sha1);
      EXPECT_EQ(again->at(i).template_name, entries[i].template_name);
      EXPECT_EQ(again->at(i).template_data, entries[i].template_data);
      EXPECT_EQ(again->at(i).sha256_extended, entries[i].sha256_extended);
      EXPECT_EQ(again->at(i).violation, entries[i].violation);
    }
    EXPECT_EQ(encode_ima_log(*again), log);
    EXPECT_EQ(ima_pcr_values(*again), ima_pcr_values(entries));
  }
}

TEST(ImaMeasurements, ReadASignatureOfImaSigAlone) {
  UnverifiedImaEntry entry;
  entry.template_name = "ima-sig";
  put_u32_le(entry.template_data, 40);
  put_bytes(entry.template_data, as_bytes(std::string("sha256:\0", 8)));
  entry.template_data.resize(44, 7);
  put_u32_le(entry.template_data, 6);
  put_bytes(entry.template_data, as_bytes(std::string("/init\0", 6)));
  Bytes without = entry.template_data;
  put_u32_le(entry.template_data, 3);
  put_bytes(entry.template_data, Bytes{3, 2, 1});
  const auto file = read_ima_measurement(entry);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->algorithm, "sha256");
  EXPECT_EQ(file->path, "/init");
  EXPECT_EQ(file->signature, (Bytes{3, 2, 1}));
  entry.template_name = "ima-ng";
  EXPECT_FALSE(read_ima_measurement(entry));
  entry.template_data = without;
  EXPECT_TRUE(read_ima_measurement(entry));
  entry.template_name = "ima-buf";
  EXPECT_FALSE(read_ima_measurement(entry));
}

}  // namespace
}  // namespace slipway::bootchain
