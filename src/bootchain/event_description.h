#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "bootchain/efi_guid.h"
#include "bootchain/event_log.h"

// The data of events and variables in words and fields, for people and for JSON. What is decoded here is shown and
// never trusted: rules read verified events for themselves.
namespace slipway::bootchain {

// Bytes stand for themselves in hexadecimal, a GUID in the registry's form; texts are UTF-8 and may hold any character.
using FieldScalar = std::variant<bool, std::uint64_t, std::string, Bytes, EfiGuid>;
// One element of a list: a signature, a partition.
struct FieldRowEntry {
  std::string_view name;  // as Field::name, of static storage: there are thousands of rows
  FieldScalar value;
};
using FieldRow = std::vector<FieldRowEntry>;
using FieldValue =
    std::variant<bool, std::uint64_t, std::string, Bytes, std::vector<std::string>, std::vector<FieldRow>>;

struct Field {
  std::string name;  // in camelCase, a JSON name
  FieldValue value;
};

struct EventDescription {
  std::string text;           // one line, safe on a terminal, at most some 300 bytes
  std::vector<Field> fields;  // in the order of the data; each name once
};

// Decodes the data of an event of any type of the TCG PC Client Platform Firmware Profile, 10.4. Never fails: data that
// do not have their type's form are described as such, with the reason in the field "undecoded". Time and size are
// linear in the data.
EventDescription describe_event_data(const UnverifiedEvent& event);

// The same for the value of a variable, by its vendor and name: boot entries, signature databases, Secure Boot's
// switches, shim's state. Any other variable has no fields and its size for a text.
EventDescription describe_variable_value(std::string_view vendor, std::string_view name, ByteView value);

// The names by which specifications call GUIDs of vendors, partitions and tables; empty for one that is not known.
std::string_view known_guid_name(std::string_view guid);

}  // namespace slipway::bootchain
