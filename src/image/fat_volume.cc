#include "image/fat_volume.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/fat_layout.h"

namespace slipway::image {
namespace {

constexpr std::uint64_t kMaximumFolder = 4U << 20;

class FatReader {
 public:
  FatReader(const DiskReader& read, const FatLayout& layout, Bytes table)
      : read_(read), layout_(layout), table_(std::move(table)), taken_(layout.cluster_count, false) {}

  Result<std::map<std::string, Bytes>> run() {
    if (layout_.kind == FatKind::k32) {
      SLIPWAY_ASSIGN(const Bytes root, read_chain(layout_.root_cluster, kMaximumFolder, "the root folder"));
      SLIPWAY_TRY(walk("", root, 1));
    } else {
      Bytes root;
      SLIPWAY_TRY(read_range(layout_.root_at, layout_.root_size, root));
      SLIPWAY_TRY(walk("", root, 1));
    }
    return std::move(files_);
  }

 private:
  Status read_range(std::uint64_t offset, std::uint64_t size, Bytes& out) const {
    while (size > 0) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size, kMaximumRead));
      SLIPWAY_ASSIGN(const Bytes bytes, read_(offset, step));
      out.insert(out.end(), bytes.begin(), bytes.end());
      offset += step;
      size -= step;
    }
    return {};
  }

  tl::unexpected<Error> wrong(std::uint32_t cluster, std::string_view what, std::string_view why) const {
    const bool number = cluster >= 2 && cluster - 2 < layout_.cluster_count;
    const std::uint64_t offset =
        number ? layout_.clusters_at + std::uint64_t{cluster - 2} * layout_.cluster_size : layout_.table_at;
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {} of the FAT volume: {}: cluster {} {}", offset, what, cluster, why));
  }

  // All bytes of a chain of at most `limit`; neighbours are read together.
  Result<Bytes> read_chain(std::uint32_t first, std::uint64_t limit, std::string_view what) {
    Bytes bytes;
    std::uint32_t cluster = first;
    std::uint64_t total = 0;
    while (cluster != kEndOfChain) {
      std::uint32_t run = 0;
      const std::uint32_t start = cluster;
      do {
        if (cluster < 2 || cluster - 2 >= layout_.cluster_count)
          return wrong(cluster, what, "does not exist, but the chain of clusters leads to it");
        if (taken_[cluster - 2]) return wrong(cluster, what, "belongs to this or another file already");
        taken_[cluster - 2] = true;
        total += layout_.cluster_size;
        if (total > limit) return wrong(cluster, what, fmt::format("is beyond the {} bytes that are expected", limit));
        ++run;
        const std::uint32_t next = next_cluster(layout_, table_, cluster);
        if (next != cluster + 1) {
          cluster = next;
          break;
        }
        cluster = next;
      } while (true);
      SLIPWAY_TRY(read_range(layout_.clusters_at + std::uint64_t{start - 2} * layout_.cluster_size,
                             std::uint64_t{run} * layout_.cluster_size, bytes));
    }
    return bytes;
  }

  Status read_file(const std::string& path, const FatEntry& entry) {
    if (entry.size > kMaximumFatContent - content_)
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format("at offset {} of its folder: {}: the files of the FAT volume have more than {} bytes together",
                      entry.at, path, kMaximumFatContent));
    content_ += entry.size;
    if (entry.size == 0) {
      if (entry.cluster != 0) return wrong(entry.cluster, path, "belongs to a file of no bytes");
      files_[path] = {};
      return {};
    }
    const std::uint64_t whole =
        (entry.size + std::uint64_t{layout_.cluster_size} - 1) / layout_.cluster_size * layout_.cluster_size;
    SLIPWAY_ASSIGN(Bytes bytes, read_chain(entry.cluster, whole, path));
    if (bytes.size() < entry.size)
      return wrong(entry.cluster, path,
                   fmt::format("begins a chain of {} bytes, but the file has {}", bytes.size(), entry.size));
    bytes.resize(entry.size);
    files_[path] = std::move(bytes);
    return {};
  }

  Status walk(const std::string& path, ByteView folder, int depth) {
    auto entries = read_fat_folder(folder);
    if (!entries) {
      Error error = std::move(entries).error();
      error.message = fmt::format("{}/: {}", path, error.message);
      return fail(std::move(error));
    }
    for (const FatEntry& entry : *entries) {
      if (++entries_ > kMaximumFatEntries)
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("at offset {} of the folder {}/: the FAT volume has more than {} files and folders",
                                entry.at, path, kMaximumFatEntries));
      const std::string name = path + "/" + entry.name;
      if (!entry.folder) {
        SLIPWAY_TRY(read_file(name, entry));
        continue;
      }
      if (depth == kMaximumFatDepth)
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("at offset {} of its folder: {}: more than {} folders lie in each other", entry.at,
                                name, depth));
      SLIPWAY_ASSIGN(const Bytes content, read_chain(entry.cluster, kMaximumFolder, name));
      SLIPWAY_TRY(walk(name, content, depth + 1));
    }
    return {};
  }

  const DiskReader& read_;
  FatLayout layout_;
  Bytes table_;
  std::vector<bool> taken_;
  std::map<std::string, Bytes> files_;
  std::uint64_t content_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace

Result<std::map<std::string, Bytes>> read_fat_files(const DiskReader& read, std::uint64_t size) {
  if (size > kMaximumFatVolume)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("at offset {} of the FAT volume: its end was expected, but it has {} bytes",
                            kMaximumFatVolume, size));
  SLIPWAY_ASSIGN(const Bytes boot_sector, read(0, kFatBootSector));
  SLIPWAY_ASSIGN(const FatLayout layout, read_fat_layout(boot_sector, size));
  // What lies behind the last cluster's entry says nothing.
  const std::uint64_t needed = std::min(layout.table_size, (std::uint64_t{layout.cluster_count} + 2) * 4);
  Bytes table;
  for (std::uint64_t at = 0; at < needed; at += kMaximumRead) {
    SLIPWAY_ASSIGN(
        const Bytes part,
        read(layout.table_at + at, static_cast<std::size_t>(std::min<std::uint64_t>(needed - at, kMaximumRead))));
    table.insert(table.end(), part.begin(), part.end());
  }
  return FatReader(read, layout, std::move(table)).run();
}

}  // namespace slipway::image
