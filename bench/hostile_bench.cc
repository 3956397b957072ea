#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "bench/corpus.h"
#include "bench/goals.h"
#include "bench/hostile.h"
#include "bench/median.h"
#include "bootchain/device_path.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"
#include "bootchain/event_description.h"
#include "bootchain/gpt.h"
#include "bootchain/ima_log.h"
#include "bootchain/legacy_event_log.h"
#include "bootchain/load_option.h"
#include "bootchain/signature_list.h"
#include "bootchain/variable_store.h"
#include "bootchain/verified_boot.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::bench {
namespace {

using bootchain::UnverifiedEvent;

constexpr std::size_t kSize = kHostileSize;
constexpr double kLimit = 5e-3;

// A quote whose list of PCR selections goes on and on.
Bytes many_selections() {
  tpm::QuoteBody body;
  body.qualified_signer = Bytes(34, 2);
  body.extra_data = Bytes(32, 3);
  body.selections = {{tpm::kAlgSha256, {0, 1, 2}}};
  Bytes start = tpm::marshal_quote(body);
  start.resize(start.size() - 2 - 6);
  start[start.size() - 4] = 0xff;  // the count
  return repeated(Bytes{0, 0x0b, 3, 0xff, 0xff, 0xff}, std::move(start));
}

Bytes log_of(const UnverifiedEvent& event) {
  bootchain::UnverifiedEventLog log;
  log.banks = {{bootchain::kSha256Bank, 32}};
  const std::size_t size = 4 + 4 + 4 + 2 + 32 + 4 + event.data.size();
  // A content that fills 64 KiB alone makes a log of one event, a little longer.
  log.events.assign(std::max<std::size_t>(1, (kSize - 100) / size), event);
  return bootchain::encode_event_log(log);
}

UnverifiedEvent event_of(std::uint32_t pcr, std::uint32_t type, Bytes data) {
  return {0, pcr, type, {{bootchain::kSha256Bank, crypto::sha256(data)}}, std::move(data)};
}

Bytes variable(std::string_view vendor, const std::string& name, Bytes value) {
  return bootchain::encode_variable_data({bootchain::guid_from_text(vendor).value(), name, std::move(value)});
}

Bytes signature_list(std::string_view type, std::uint32_t signature_size, std::uint32_t count, std::uint8_t fill) {
  Bytes list;
  put_bytes(list, bootchain::guid_from_text(type)->bytes);
  put_u32_le(list, 28 + signature_size * count);
  put_u32_le(list, 0);
  put_u32_le(list, signature_size);
  list.insert(list.end(), std::size_t{signature_size} * count, fill);
  return list;
}

Bytes many_lists() { return repeated(signature_list(bootchain::kSha256Signature, 48, 1, 7)); }

// Real certificates, over and over: each is as long as a certificate of its kind gets, so that there are many.
Bytes many_certificates() {
  const Bytes db = read_corpus("boots/debian12-ovmf-verity/var-db.bin");
  const auto real = bootchain::read_signature_lists(ByteView(db).subspan(4)).value();
  return repeated(bootchain::make_certificate_list(real[0].owner, real[0].data));
}

// The shortest bytes that are a certificate up to the subject.
Bytes many_short_certificates() {
  const Bytes der = from_hex(
                        "3024301f"
                        "020101"
                        "3000"
                        "3000"
                        "3000"
                        "3014"
                        "3112"
                        "3010"
                        "0603550403"
                        "0c0941414141414141"
                        "4141"
                        "00000000")
                        .value();
  return repeated(bootchain::make_certificate_list({}, der));
}

Bytes shortest_nodes() { return repeated(Bytes{1, 99, 4, 0}); }
Bytes longest_node() {
  Bytes path{4, 4, 0xff, 0xff};
  while (path.size() + 2 <= 0xffff) put_bytes(path, Bytes{0x00, 0xd8});
  path.resize(0xffff, 0xd8);
  return path;
}

Bytes image_load(ByteView path) {
  Bytes data;
  for (const std::uint64_t field : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{path.size()}})
    put_u64_le(data, field);
  put_bytes(data, path);
  return data;
}

Bytes handoff_tables() {
  Bytes data;
  put_u64_le(data, (kSize - 8) / 24);
  data.insert(data.end(), (kSize - 8) / 24 * 24, 1);
  return data;
}

Bytes partition_table() {
  Bytes data = to_bytes("EFI PART");
  data.resize(92, 0);
  put_u64_le(data, (kSize - 100) / 128);
  data.insert(data.end(), (kSize - 100) / 128 * 128, 'A');
  return data;
}

Bytes ima_log() {
  bootchain::UnverifiedImaEntry entry;
  entry.pcr = 10;
  entry.template_name = "i";
  entry.template_sha1 = crypto::digest(crypto::HashAlgorithm::kSha1, {});
  return repeated(bootchain::encode_ima_log({entry}));
}

// A variable store of variables with names of one letter and as few bytes as can be.
Bytes variable_store() {
  constexpr std::uint16_t kHeaderSize = 72;
  Bytes flash(16, 0);
  put_bytes(flash, bootchain::guid_from_text("fff12b8d-7696-4c8b-a985-2747075b4f50")->bytes);
  put_u64_le(flash, kSize);
  put_bytes(flash, as_bytes("_FVH"));
  put_u32_le(flash, 0);
  put_u16_le(flash, kHeaderSize);
  flash.resize(kHeaderSize, 0);
  std::uint16_t sum = 0;
  for (std::size_t i = 0; i < flash.size(); i += 2)
    sum = static_cast<std::uint16_t>(sum + (flash[i] | flash[i + 1] << 8));
  sum = static_cast<std::uint16_t>(-sum);
  flash[50] = static_cast<std::uint8_t>(sum & 0xff);
  flash[51] = static_cast<std::uint8_t>(sum >> 8);
  put_bytes(flash, bootchain::guid_from_text("aaf32c78-947b-439a-a180-2e144ec37792")->bytes);
  put_u32_le(flash, kSize - kHeaderSize);
  put_bytes(flash, Bytes{0x5a, 0xfe, 0, 0, 0, 0, 0, 0});
  for (std::uint32_t i = 0; flash.size() + 66 < kSize; ++i) {
    put_bytes(flash, Bytes{0xaa, 0x55, 0x3f, 0});
    flash.resize(flash.size() + 4 + 8 + 16 + 4, 0);
    put_u32_le(flash, 4);
    put_u32_le(flash, 0);
    put_u32_le(flash, i);  // the vendor: each is another variable
    flash.resize(flash.size() + 12, 0);
    put_bytes(flash, Bytes{'a', 0, 0, 0});
  }
  flash.resize(kSize, 0xff);
  return flash;
}

void describe_all(ByteView log) {
  const auto recorded = bootchain::read_recorded_log(log);
  if (!recorded) return;
  for (const auto& bank : recorded->log.banks)
    benchmark::DoNotOptimize(bootchain::replay_recorded(recorded->log, bank.bank));
  for (const UnverifiedEvent& event : recorded->log.events) {
    benchmark::DoNotOptimize(bootchain::digest_matches_data(event));
    benchmark::DoNotOptimize(bootchain::describe_event_data(event));
  }
}

void verify(ByteView log, ByteView ima) {
  auto parsed = bootchain::parse_event_log(log);
  auto entries = bootchain::parse_ima_log(ima);
  if (!parsed || !entries) return;
  std::vector<int> pcrs{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  benchmark::DoNotOptimize(
      bootchain::verify_boot(*std::move(parsed), *std::move(entries), {std::move(pcrs), Bytes(32, 1)}));
}

void describe_signatures(ByteView lists) {
  const auto signatures = bootchain::read_signature_lists(lists);
  if (!signatures) return;
  for (const bootchain::EfiSignature& signature : *signatures) benchmark::DoNotOptimize(describe(signature));
}

void add_events(std::vector<Hostile>& all, const std::string& name, const UnverifiedEvent& event) {
  const Bytes log = log_of(event);
  all.push_back({"log verified: " + name, log, [](ByteView bytes) { verify(bytes, {}); }});
  all.push_back({"log in words: " + name, log, describe_all});
}

std::vector<Hostile> hostile_inputs() {
  using namespace bootchain;
  std::vector<Hostile> all;
  all.push_back({"quote: repeated PCR selections", many_selections(),
                 [](ByteView bytes) { benchmark::DoNotOptimize(tpm::parse_quote(bytes)); }});
  all.push_back({"quote: signature", filled_to({0, 0x14, 0, 0x0b, 0xff, 0xff}),
                 [](ByteView bytes) { benchmark::DoNotOptimize(tpm::parse_signature(bytes)); }});
  all.push_back({"public area", filled_to({0, 1, 0, 0x0b}),
                 [](ByteView bytes) { benchmark::DoNotOptimize(tpm::parse_public_area(bytes)); }});

  add_events(all, "shortest events", event_of(8, kEvIpl, {}));
  add_events(all, "one-byte separators", event_of(7, kEvSeparator, {0}));
  add_events(all, "GRUB commands", event_of(8, kEvIpl, to_bytes("grub_cmd: ")));
  add_events(all, "variables without a value", event_of(1, kEvEfiVariableBoot, variable(kEfiGlobalVariables, "", {})));
  add_events(all, "PCRs that do not exist", event_of(0xffffffff, kEvAction, {1}));
  const auto whole = [](std::uint32_t type, Bytes data) { return event_of(7, type, std::move(data)); };
  add_events(all, "a db of smallest signatures",
             whole(kEvEfiVariableDriverConfig, variable(kImageSecurityDatabase, "db", smallest_signatures())));
  add_events(all, "an image with the shortest nodes",
             whole(kEvEfiBootServicesApplication, image_load(shortest_nodes())));
  add_events(all, "handoff tables", whole(kEvEfiHandoffTables, handoff_tables()));
  add_events(all, "a partition table", whole(kEvEfiGptEvent, partition_table()));
  add_events(all, "a boot order",
             whole(kEvEfiVariableBoot, variable(kEfiGlobalVariables, "BootOrder", Bytes(65000, 1))));
  Bytes option{1, 0, 0, 0, 0, 0};
  while (option.size() < 65000) put_bytes(option, Bytes{0x00, 0xd8});
  put_bytes(option, Bytes{0, 0});
  add_events(all, "a boot entry's title", whole(kEvEfiVariableBoot, variable(kEfiGlobalVariables, "Boot0001", option)));

  all.push_back({"log verified: IMA entries without data", ima_log(), [](ByteView bytes) {
                   static const Bytes log = log_of(event_of(8, kEvIpl, Bytes(60000, 1)));
                   verify(log, bytes);
                 }});
  all.push_back({"device path: shortest nodes", shortest_nodes(),
                 [](ByteView bytes) { benchmark::DoNotOptimize(device_path_text(bytes)); }});
  all.push_back({"device path: one file path of lone surrogates", longest_node(),
                 [](ByteView bytes) { benchmark::DoNotOptimize(device_path_text(bytes)); }});
  all.push_back({"load option without an end", filled_to({1, 0, 0, 0, 0xff, 0xff}, 0x41),
                 [](ByteView bytes) { benchmark::DoNotOptimize(parse_load_option(bytes)); }});
  all.push_back({"signature lists: smallest signatures", smallest_signatures(), describe_signatures});
  all.push_back({"signature lists: many lists", many_lists(), describe_signatures});
  all.push_back({"signature lists: certificates", many_certificates(), describe_signatures});
  all.push_back({"signature lists: shortest certificates", many_short_certificates(), describe_signatures});
  all.push_back({"variable store: shortest variables", variable_store(),
                 [](ByteView bytes) { benchmark::DoNotOptimize(read_variable_store(bytes)); }});
  add_hostile_files(all);
  return all;
}

const std::vector<Hostile>& hostile() {
  static const std::vector<Hostile> inputs = hostile_inputs();
  return inputs;
}

}  // namespace

Bytes smallest_signatures() { return signature_list("00000000-0000-0000-0000-000000000001", 16, kSize / 16 - 4, 0); }

void register_hostile() {
  for (const Hostile& input : hostile())
    benchmark::RegisterBenchmark(("hostile/" + input.name).c_str(), [&input](benchmark::State& state) {
      for (auto _ : state) input.parse(input.input);
      state.counters["bytes"] = static_cast<double>(input.input.size());
    })->Unit(benchmark::kMicrosecond);
}

std::vector<Goal> hostile_goals() {
  double worst = 0;
  std::string name;
  for (const Hostile& input : hostile()) {
    const double seconds = median_seconds(7, 3, [&] { input.parse(input.input); });
    if (seconds < worst) continue;
    worst = seconds;
    name = input.name;
  }
  return {{fmt::format("the worst of {} hostile inputs of 64 KiB", hostile().size()),
           fmt::format("{:.2f} ms ({})", 1e3 * worst, name), "5 ms", worst <= kLimit}};
}

}  // namespace slipway::bench
