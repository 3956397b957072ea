#include <gtest/gtest.h>

#include "base/refusals_for_tests.h"
#include "bootchain/grub_for_tests.h"
#include "bootchain/partition_table_for_tests.h"
#include "bootchain/pe_image_for_tests.h"
#include "image/boots_for_tests.h"
#include "image/build_manifest.h"
#include "image/disk_image.h"

// What the readers of this room promise to refuse, one row for each promise: a good input with one thing changed, so
// that no other check stands in the way.
namespace slipway::image {
namespace {

using namespace slipway::bootchain::testing;
using bootchain::GptPartition;

GptPartition esp(int number) {
  GptPartition partition;
  partition.number = number;
  partition.type = bootchain::guid_from_text(bootchain::kEfiSystemPartition).value();
  partition.first_block = 34;
  partition.last_block = 161;
  return partition;
}

// All that a manifest is built from, with boot files of a few bytes.
ManifestInputs small_image() {
  ManifestInputs inputs;
  inputs.version = "V";
  inputs.virtual_size = 1U << 20;
  inputs.root_hash = Bytes(32, 0xab);
  inputs.disk_start = make_partition_table({esp(2)});
  inputs.esp_files["/EFI/BOOT/BOOTX64.EFI"] =
      make_pe_image({{".vendor_cert", vendor_section(Bytes{0x30, 0x01, 0x00}, {})},
                     {".sbatlevel", level_section("sbat,1,2024010900\ngrub,4\n", "sbat,1,2025021800\ngrub,5\n")},
                     {".data", to_bytes("sbat,1,2021030218\n")}});
  inputs.esp_files["/EFI/BOOT/grubx64.efi"] = make_pe_image({{"mods", to_bytes(kBuiltInGrubScript)}});
  inputs.esp_files["/EFI/debian/vmlinuz"] = make_pe_image({{".text", Bytes(64, 'k')}});
  inputs.esp_files["/EFI/debian/initrd"] = to_bytes("initrd");
  inputs.esp_files["/EFI/debian/grub.cfg"] =
      to_bytes("set timeout=0\nlinux $prefix/vmlinuz ro slipway.roothash=" + to_hex(inputs.root_hash) +
               " quiet\ninitrd $prefix/initrd\nboot\n");
  return inputs;
}

template <typename Change>
std::string manifest_with(Change change) {
  ManifestInputs inputs = small_image();
  change(inputs);
  return refusal_of(build_manifest(inputs));
}

auto without_file(const char* path) {
  return [path](ManifestInputs& inputs) { EXPECT_EQ(inputs.esp_files.erase(path), 1u); };
}

auto with_config(const std::string& what, const std::string& instead) {
  return [=](ManifestInputs& inputs) {
    std::string config(as_text(inputs.esp_files["/EFI/debian/grub.cfg"]));
    config.replace(config.find(what), what.size(), instead);
    inputs.esp_files["/EFI/debian/grub.cfg"] = to_bytes(config);
  };
}

TEST(Refusals, OfManifestsToBuild) {
  const auto manifest = build_manifest(small_image());
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->boot_files.size(), 5u);
  EXPECT_EQ(manifest->kernel_command_line,
            "(hd0,gpt2)/EFI/debian/vmlinuz ro slipway.roothash=" + to_hex(Bytes(32, 0xab)) + " quiet");
  expect_refusals({
      {"no version", manifest_with([](auto& it) { it.version.clear(); }), "the image version is empty"},
      {"a disk of no byte", manifest_with([](auto& it) { it.virtual_size = 0; }), "multiple of 512"},
      {"a disk of half a block", manifest_with([](auto& it) { it.virtual_size += 256; }), "multiple of 512"},
      {"a further file", manifest_with([](auto& it) { it.esp_files["/EFI/debian/fbx64.efi"] = {1}; }),
       "holds /EFI/debian/fbx64.efi, which the boot does not load"},
      {"another root hash", manifest_with([](auto& it) { it.root_hash[31] ^= 1; }), "would not be inside the proof"},
      {"a longer word on the command line", manifest_with(with_config(" quiet", "00 quiet")),
       "would not be inside the proof"},
      {"another word before it", manifest_with(with_config("slipway.roothash", "xslipway.roothash")),
       "would not be inside the proof"},
      {"a root hash of 31 bytes", manifest_with([](auto& it) { it.root_hash.pop_back(); }), "has 31 bytes, not 32"},
      {"no shim", manifest_with(without_file("/EFI/BOOT/BOOTX64.EFI")), "has no /EFI/BOOT/BOOTX64.EFI"},
      {"no GRUB", manifest_with(without_file("/EFI/BOOT/grubx64.efi")), "has no /EFI/BOOT/grubx64.efi"},
      {"no grub.cfg", manifest_with(without_file("/EFI/debian/grub.cfg")), "has no /EFI/debian/grub.cfg"},
      {"no kernel", manifest_with(without_file("/EFI/debian/vmlinuz")), "has no /EFI/debian/vmlinuz"},
      {"no initrd", manifest_with(without_file("/EFI/debian/initrd")), "has no /EFI/debian/initrd"},
      {"no initrd in grub.cfg", manifest_with(with_config("initrd $prefix/initrd\n", "")),
       "must load one kernel and one initrd"},
      {"another GRUB", manifest_with([](auto& it) {
         it.esp_files["/EFI/BOOT/grubx64.efi"] = make_pe_image({{"mods", {1}}});
       }),
       "GRUB"},
      {"a kernel that is no PE image",
       manifest_with([](auto& it) { it.esp_files["/EFI/debian/vmlinuz"] = to_bytes("text"); }),
       "/EFI/debian/vmlinuz: "},
      {"no EFI system partition", manifest_with([](auto& it) { it.disk_start = make_partition_table({}); }),
       "EFI system partition"},
      {"two EFI system partitions", manifest_with([](auto& it) {
         it.disk_start = make_partition_table({esp(2), esp(4)});
       }),
       "EFI system partition"},
      {"a partition table with another checksum", manifest_with([](auto& it) { it.disk_start[2000] ^= 1; }),
       "checksum"},
  });
}

// A disk of sgdisk, mkfs.vfat and veritysetup: an EFI system partition and a hash tree (tests/corpus/fuzz/README.md).
struct Disk {
  Bytes bytes = bootchain::read_corpus("fuzz/disk_image/small-disk.img");

  std::ptrdiff_t entry(std::size_t number) const {
    return static_cast<std::ptrdiff_t>(kGptEntries + (number - 1) * kGptEntrySize);
  }
  void copy_entry(std::size_t from, std::size_t to) {
    std::copy_n(bytes.begin() + entry(from), kGptEntrySize, bytes.begin() + entry(to));
  }
  void set_block(std::size_t number, std::size_t field, std::uint64_t block) {
    Bytes value;
    put_u64_le(value, block);
    std::copy(value.begin(), value.end(), bytes.begin() + entry(number) + static_cast<std::ptrdiff_t>(field));
  }
  Result<DiskImage> read() const {
    const Bytes whole = with_checksums(bytes);
    return read_disk_image(reader_of(whole), whole.size());
  }
};

constexpr std::size_t kFirstBlock = 32, kLastBlock = 40;  // fields of a GPT entry

template <typename Change>
std::string disk_with(Change change) {
  Disk disk;
  change(disk);
  return refusal_of(disk.read());
}

TEST(Refusals, OfDiskImages) {
  const auto good = Disk().read();
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->esp_number, 1);
  EXPECT_EQ(good->verity_number, 2);
  const std::uint64_t blocks = Disk().bytes.size() / 512;
  const auto third = [](std::uint64_t first, std::uint64_t last) {
    return disk_with([=](Disk& disk) {
      disk.copy_entry(2, 3);
      disk.set_block(3, kFirstBlock, first);
      disk.set_block(3, kLastBlock, last);
    });
  };
  ASSERT_EQ(third(blocks - 1, blocks - 1), "");
  expect_refusals({
      {"no EFI system partition", disk_with([](Disk& disk) { disk.bytes[kGptEntries] ^= 1; }), "EFI system partition"},
      {"two EFI system partitions", disk_with([](Disk& disk) { disk.copy_entry(1, 3); }), "EFI system partition"},
      {"two hash trees", disk_with([](Disk& disk) { disk.copy_entry(2, 3); }), "hash tree"},
      {"a partition that ends behind the disk", third(blocks - 1, blocks), "was not expected on a disk of"},
      {"a partition behind the disk", third(blocks, blocks), "was not expected on a disk of"},
      {"a partition that ends before it begins", third(blocks - 1, blocks - 2), "was not expected on a disk of"},
      {"a partition whose size overflows", third(0, ~std::uint64_t{0}), "was not expected on a disk of"},
  });
}

Prediction prediction_of(std::size_t events) {
  Prediction prediction;
  prediction.firmware_sha256 = Bytes(32, 1);
  PredictedEvent event;
  event.pcr = 4;
  event.type = bootchain::kEvSeparator;
  event.sha256 = Bytes(32, 2);
  event.rule = "pcr4.separator";
  prediction.events.assign(events, event);
  return prediction;
}

template <typename Change>
std::string event_with(Change change) {
  Prediction prediction = prediction_of(1);
  change(prediction.events[0]);
  return refusal_of(prediction_from_json(to_json(prediction)));
}

TEST(Refusals, OfPredictions) {
  const auto read = [](const std::string& json) { return refusal_of(prediction_from_json(json)); };
  ASSERT_EQ(read(to_json(prediction_of(kMaximumPredictedEvents))), "");
  ASSERT_EQ(event_with([](auto& it) { it.origin = Origin::kCalibrated; }), "");
  ASSERT_EQ(event_with([](auto& it) { it.pcr = 14; }), "");
  const std::vector<Prediction> most(kMaximumPredictions, prediction_of(1)),
      more(kMaximumPredictions + 1, prediction_of(1));
  ASSERT_EQ(refusal_of(predictions_from_json(to_json(most))), "");
  expect_refusals({
      {"4097 events", read(to_json(prediction_of(kMaximumPredictedEvents + 1))), "4096 events"},
      {"17 predictions", refusal_of(predictions_from_json(to_json(more))), "16 predictions"},
      {"more than 4 MiB", read(to_json(prediction_of(1)) + std::string(kMaximumPredictionSize, ' ')),
       "at most 4194304 bytes"},
      {"an event of PCR 10", event_with([](auto& it) { it.pcr = 10; }), "\"pcr\""},
      {"a digest of 31 bytes", event_with([](auto& it) { it.sha256.pop_back(); }), "\"sha256\""},
      {"no digest of a computed event", event_with([](auto& it) { it.sha256.clear(); }), "\"sha256\""},
      {"a digest of an event that may vary", event_with([](auto& it) {
         it = {1, bootchain::kEvEfiVariableBoot, Origin::kMayVary, Bytes(32, 1), "r", "", "", "", ""};
       }),
       "\"sha256\""},
      {"an event outside the closed table that may vary",
       event_with([](auto& it) { it = {5, bootchain::kEvEfiGptEvent, Origin::kMayVary, {}, "r", "", "", "", ""}; }),
       "only boot entries in PCR 1"},
      {"a type that no boot of an image has", event_with([](auto& it) { it.type = bootchain::kEvPostCode; }),
       "\"type\""},
  });
}

}  // namespace
}  // namespace slipway::image
