#pragma once

#include "base/bytes.h"
#include "image/disk_reader.h"

namespace slipway::image {

// The head of a dm-verity partition, as `veritysetup format` writes it: superblock version 1, hash type 1, sha256.
struct VerityTree {
  std::uint64_t data_blocks = 0;
  std::uint32_t data_block_size = 0, hash_block_size = 0;
  Bytes salt;
  Bytes root_hash;  // SHA-256 of the salt and the tree's topmost block
};

inline constexpr std::size_t kVeritySuperblock = 512;

// True if a partition that begins with these bytes (at least 8) says that it holds such a tree.
bool is_verity_superblock(ByteView start);

// Reads the superblock and the topmost block of the tree, and computes the root hash that this block stands for. It
// does not look at the blocks below: the kernel does when it opens them. kMalformed, with the offset, for any other
// kind.
Result<VerityTree> read_verity_tree(const DiskReader& partition);

}  // namespace slipway::image
