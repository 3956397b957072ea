#include "image/verity.h"

#include <fmt/format.h>

#include "base/byte_reader.h"
#include "crypto/digest.h"

namespace slipway::image {
namespace {

constexpr std::string_view kSignature{"verity\0\0", 8};
constexpr std::uint32_t kVersion = 1, kHashType = 1;
constexpr std::size_t kMaximumSalt = 256;

bool is_block_size(std::uint32_t size) { return size >= 512 && size <= (512U << 10) && (size & (size - 1)) == 0; }

}  // namespace

bool is_verity_superblock(ByteView start) { return as_text(start).substr(0, kSignature.size()) == kSignature; }

Result<VerityTree> read_verity_tree(const DiskReader& partition) {
  SLIPWAY_ASSIGN(const Bytes superblock, partition(0, kVeritySuperblock));
  const auto wrong = [](std::size_t offset, std::string_view what) {
    return fail(ErrorCode::kMalformed, fmt::format("at offset {} of the hash tree: {}", offset, what));
  };
  if (!is_verity_superblock(superblock)) return wrong(0, "the signature of a dm-verity superblock was expected");
  ByteReader reader(superblock);
  SLIPWAY_TRY(reader.take(kSignature.size(), "signature"));
  SLIPWAY_ASSIGN(const std::uint32_t version, reader.u32_le("version of the superblock"));
  SLIPWAY_ASSIGN(const std::uint32_t type, reader.u32_le("hash type"));
  if (version != kVersion || type != kHashType)
    return wrong(8, fmt::format("superblock version 1 and hash type 1 were expected, not {} and {}", version, type));
  SLIPWAY_TRY(reader.take(16, "UUID"));
  SLIPWAY_ASSIGN(const ByteView algorithm, reader.take(32, "hash algorithm"));
  const std::string_view name = as_text(algorithm).substr(0, as_text(algorithm).find('\0'));
  if (name != "sha256") return wrong(32, "the hash algorithm sha256 was expected");
  VerityTree tree;
  SLIPWAY_ASSIGN(tree.data_block_size, reader.u32_le("size of a data block"));
  SLIPWAY_ASSIGN(tree.hash_block_size, reader.u32_le("size of a hash block"));
  SLIPWAY_ASSIGN(tree.data_blocks, reader.u64_le("number of data blocks"));
  SLIPWAY_ASSIGN(const std::uint16_t salt_size, reader.u16_le("size of the salt"));
  SLIPWAY_TRY(reader.take(6, "padding"));
  if (!is_block_size(tree.data_block_size) || !is_block_size(tree.hash_block_size))
    return wrong(64, fmt::format("block sizes of 512 to 524288 were expected, not {} and {}", tree.data_block_size,
                                 tree.hash_block_size));
  if (tree.data_blocks == 0) return wrong(72, "at least one data block was expected");
  if (salt_size > kMaximumSalt) return wrong(80, fmt::format("a salt of {} bytes was not expected", salt_size));
  SLIPWAY_ASSIGN(const ByteView salt, reader.take(salt_size, "salt"));
  tree.salt = to_bytes(salt);
  // The tree begins with its topmost block, in the first hash block behind the superblock.
  SLIPWAY_ASSIGN(const Bytes top, partition(tree.hash_block_size, tree.hash_block_size));
  Bytes hashed = tree.salt;
  hashed.insert(hashed.end(), top.begin(), top.end());
  tree.root_hash = crypto::sha256(hashed);
  return tree;
}

}  // namespace slipway::image
