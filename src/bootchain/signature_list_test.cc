#include "bootchain/signature_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_reader.h"
#include "base/refusals_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/variable_update.h"
#include "crypto/signing_for_tests.h"

namespace slipway::bootchain {
namespace {

using namespace slipway::crypto::testing;
using crypto::Identity;
using ::testing::HasSubstr;

EfiGuid guid(std::string_view text) { return guid_from_text(text).value(); }
const Time kTime = Time(std::chrono::sys_days(std::chrono::year(2023) / 5 / 6)) + std::chrono::hours(7) +
                   std::chrono::minutes(8) + seconds(9);

EfiSignature entry(std::string_view type, Bytes data) {
  return {guid(type), guid(kImageSecurityDatabase), std::move(data)};
}

TEST(SignatureLists, EntriesHaveTheirMeaning) {
  const std::tuple<std::string_view, SignatureMeaning::Kind, crypto::HashAlgorithm> types[] = {
      {kSha1Signature, SignatureMeaning::Kind::kImageDigest, crypto::HashAlgorithm::kSha1},
      {kSha256Signature, SignatureMeaning::Kind::kImageDigest, crypto::HashAlgorithm::kSha256},
      {kSha384Signature, SignatureMeaning::Kind::kImageDigest, crypto::HashAlgorithm::kSha384},
      {kSha512Signature, SignatureMeaning::Kind::kImageDigest, crypto::HashAlgorithm::kSha512},
      {kX509Sha256Signature, SignatureMeaning::Kind::kCertificateDigest, crypto::HashAlgorithm::kSha256},
      {kX509Sha384Signature, SignatureMeaning::Kind::kCertificateDigest, crypto::HashAlgorithm::kSha384},
      {kX509Sha512Signature, SignatureMeaning::Kind::kCertificateDigest, crypto::HashAlgorithm::kSha512},
  };
  for (const auto& [type, kind, algorithm] : types) {
    const Bytes digest(crypto::digest_size(algorithm), 0x5a);
    Bytes data = digest;
    if (kind == SignatureMeaning::Kind::kCertificateDigest) put_bytes(data, encode_efi_time(kTime));
    const auto read = read_signature_lists(encode_signature_lists({entry(type, data)}));
    ASSERT_TRUE(read) << read.error().message;
    const SignatureMeaning meaning = meaning_of(read->at(0));
    EXPECT_EQ(meaning.kind, kind);
    EXPECT_EQ(meaning.algorithm, algorithm);
    EXPECT_EQ(meaning.digest, digest);
    EXPECT_EQ(meaning.revoked_from.has_value(), kind == SignatureMeaning::Kind::kCertificateDigest);
    EXPECT_THAT(describe(read->at(0)), HasSubstr(std::string(to_string(algorithm)) + ":5a5a"));

    data.push_back(0);
    const auto longer = read_signature_lists(encode_signature_lists({entry(type, data)}));
    ASSERT_FALSE(longer) << "a digest of another size is none";
    EXPECT_THAT(longer.error().message, HasSubstr("at offset 24: expected signatures of"));
  }
  EXPECT_EQ(meaning_of(entry(kEfiGlobalVariables, {1, 2})).kind, SignatureMeaning::Kind::kOther);
}

TEST(SignatureLists, ErrorsCountFromTheFilesBeginning) {
  EXPECT_THAT(read_signature_lists(Bytes(5, 0), 100).error().message, HasSubstr("at offset 100: expected"));
}

// A list of signatures that are an owner each.
TEST(SignatureLists, AreOfSixtyFourKiSignaturesAtMost) {
  const auto refused = [](std::uint32_t count) {
    Bytes list = to_bytes(ByteView(guid(kEfiGlobalVariables).bytes));
    put_u32_le(list, 28 + 16 * count);
    put_u32_le(list, 0);
    put_u32_le(list, 16);
    list.resize(list.size() + 16 * std::size_t{count}, 1);
    return refusal_of(read_signature_lists(list));
  };
  EXPECT_EQ(refused(65536), "");
  EXPECT_EQ(refused(65537), "at offset 1048604: expected the end, for 65536 signatures are the most");
}

TEST(SignatureLists, ReadBackWhatWasWritten) {
  std::uint32_t state = 20261123;
  const auto random = [&] {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
  };
  for (int run = 0; run < 200; ++run) {
    std::vector<EfiSignature> written;
    for (std::uint32_t i = random() % 6; i-- > 0;) {
      EfiSignature signature = entry(kX509Signature, Bytes(random() % 90, static_cast<std::uint8_t>(random())));
      if (random() % 2 == 0) signature = entry(kSha256Signature, Bytes(32, static_cast<std::uint8_t>(random())));
      signature.owner.bytes[3] = static_cast<std::uint8_t>(random());
      written.push_back(std::move(signature));
    }
    const auto read = read_signature_lists(encode_signature_lists(written)).value();
    ASSERT_EQ(read.size(), written.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      EXPECT_EQ(read[i].type, written[i].type);
      EXPECT_EQ(read[i].owner, written[i].owner);
      EXPECT_EQ(read[i].data, written[i].data);
    }
  }
}

TEST(EfiTime, IsADateOrNothing) {
  EXPECT_EQ(read_efi_time(encode_efi_time(kTime)), kTime);
  EXPECT_FALSE(read_efi_time(encode_efi_time(std::nullopt)));
  EXPECT_FALSE(read_efi_time(Bytes(15, 1)));
  const std::pair<std::size_t, std::uint8_t> broken[] = {{2, 13}, {3, 32}, {4, 24}, {5, 60}, {6, 60}};
  for (const auto& [field, value] : broken) {
    auto bytes = encode_efi_time(kTime);
    bytes[field] = value;
    EXPECT_FALSE(read_efi_time(bytes)) << field;
  }
}

// An update of dbx, signed below a key exchange key.
struct Update {
  Identity authority = make_identity(authority_shape("KEK CA"));
  Identity signer = make_identity({"KEK signer", {}, {}}, &authority);
  Identity stranger = make_identity(authority_shape("Stranger"));
  std::vector<EfiSignature> keys = {entry(kSha256Signature, Bytes(32, 1)),
                                    entry(kX509Signature, stranger.certificate.der()),
                                    entry(kX509Signature, authority.certificate.der())};
  UnverifiedVariableUpdate update;
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;

  Update() {
    const auto time = encode_efi_time(kTime);
    update.time_bytes = {time.begin(), time.end()};
    update.time = kTime;
    update.value = encode_signature_lists({entry(kSha256Signature, Bytes(32, 0xab))});
    sign("dbx");
  }
  void sign(std::string_view name) {
    SignatureShape shape;
    shape.content_type = "1.2.840.113549.1.7.1";
    shape.content = signed_part(update, guid(kImageSecurityDatabase), name, kSecureBootVariableAttributes);
    shape.algorithm = algorithm;
    update.signature = make_bare_signed_data(shape, {signer});
  }
  std::string reason() const {
    const auto verified =
        verify_variable_update(update, guid(kImageSecurityDatabase), "dbx", kSecureBootVariableAttributes, keys);
    return verified ? std::string() : verified.error().reason;
  }
};

TEST(VariableUpdate, IsVerifiedByAKey) {
  const Update u;
  const auto verified =
      verify_variable_update(u.update, guid(kImageSecurityDatabase), "dbx", kSecureBootVariableAttributes, u.keys);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->subject(), "CN=KEK signer");
}

TEST(VariableUpdate, ReadsBackWhatWasWritten) {
  const Update u;
  const auto read = read_variable_update(encode_variable_update(u.update)).value();
  EXPECT_EQ(read.time_bytes, u.update.time_bytes);
  EXPECT_EQ(read.time, kTime);
  EXPECT_EQ(read.signature, u.update.signature);
  EXPECT_EQ(read.value, u.update.value);
}

TEST(VariableUpdate, OfAnotherVariableIsRefused) {
  Update u;
  u.sign("db");
  EXPECT_EQ(u.reason(), "UpdateSignature");
}

TEST(VariableUpdate, OnceChangedIsRefused) {
  Update u;
  u.update.value.back() ^= 1;
  EXPECT_EQ(u.reason(), "UpdateSignature");
  u = Update();
  u.update.time_bytes[6] ^= 1;
  EXPECT_EQ(u.reason(), "UpdateSignature");
}

TEST(VariableUpdate, SignedOverAnotherHashIsRefused) {
  Update u;
  u.algorithm = crypto::HashAlgorithm::kSha384;
  u.sign("dbx");
  EXPECT_EQ(u.reason(), "UpdateSignature");
}

TEST(VariableUpdate, ByAnUnknownSignerIsRefused) {
  Update u;
  u.keys.pop_back();
  EXPECT_EQ(u.reason(), "UpdateSigner");
}

TEST(VariableUpdate, WithAFractionOfASecondIsRefused) {
  Update u;
  u.update.time_bytes[8] = 1;
  u.sign("dbx");
  EXPECT_EQ(u.reason(), "UpdateTime");
}

TEST(VariableUpdate, RefusesAnotherForm) {
  const Bytes good = encode_variable_update(Update().update);
  ASSERT_TRUE(read_variable_update(good));
  for (const std::size_t field : {16 + 3, 16 + 4, 16 + 6, 16 + 8}) {
    Bytes changed = good;
    changed[field] ^= 0x70;
    EXPECT_FALSE(read_variable_update(changed)) << field;
  }
  for (std::size_t size = 0; size < 40; ++size) EXPECT_FALSE(read_variable_update(ByteView(good).first(size)));
  Bytes padded = good;
  padded.resize(4U << 20, 0);
  EXPECT_EQ(refusal_of(read_variable_update(padded)), "");
  padded.push_back(0);
  EXPECT_THAT(refusal_of(read_variable_update(padded)), HasSubstr("an update of at most 4 MiB"));
}

TEST(SignatureListFile, IsBareListsOrAnUpdate) {
  const Update u;
  const auto bare = read_signature_list_file(u.update.value).value();
  EXPECT_EQ(bare.signatures.size(), 1u);
  EXPECT_FALSE(bare.update);
  const auto update = read_signature_list_file(encode_variable_update(u.update)).value();
  EXPECT_EQ(update.signatures.size(), 1u);
  EXPECT_TRUE(update.update);
  Update broken;
  broken.update.value.pop_back();
  const Bytes file = encode_variable_update(broken.update);
  EXPECT_THAT(read_signature_list_file(file).error().message,
              HasSubstr("at offset " + std::to_string(file.size() - broken.update.value.size() + 28)));
  EXPECT_THAT(read_signature_list_file(Bytes(20, 1)).error().message, HasSubstr("at offset 20: expected"));
}

}  // namespace
}  // namespace slipway::bootchain
