#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// YAML 1.1, and with it JSON, as trees of values. What is read is unverified: it is somebody's file.
namespace slipway::cli {

struct YamlMember;

struct YamlValue {
  enum class Kind {
    kNull,   // nothing, ~ or null
    kPlain,  // a scalar without quotes, whose type follows from its looks: plain_scalar_type()
    kText,   // a scalar that is a text whatever it looks like: in quotes, as a block, or by its tag
    kSequence,
    kMap,
  };

  Kind kind = Kind::kNull;
  std::string text;                 // of a scalar; empty for all else
  std::vector<YamlValue> elements;  // of a sequence
  std::vector<YamlMember> members;  // of a map, as they are written: a key may stand there twice
  // Where it begins, from 1; lines end with "\n", columns count bytes. 0: it was not read.
  std::size_t line = 0, column = 0;

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kPlain || kind == Kind::kText; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_map() const { return kind == Kind::kMap; }

  // The value of the first member whose key is that scalar; a null value if there is none, or if this is no map.
  const YamlValue& member(std::string_view key) const;
};

struct YamlMember {
  YamlValue key, value;
};

// A text as a value: plain where that is read as the same text, with U+FFFD for what is no UTF-8.
YamlValue yaml_text(std::string_view text);

// The documents of a stream in UTF-8. A copy of the named value stands for each alias.
//
// kMalformed, with line, column and what was expected, for what is no YAML, and for an alias that names no value
// before it or one that it stands in. kResourceExhausted for more than 4 MiB, 1000 documents, 1000 %TAG directives,
// 64 levels, 100,000 values, or 4 MiB of scalars and tags; values and bytes count again for each alias and anchor.
Result<std::vector<YamlValue>> read_yaml(std::string_view text);

// The same for a text of one document; empty ones do not count. A null value if there is none; kMalformed for a second.
Result<YamlValue> read_yaml_document(std::string_view text);

// The value as a document in UTF-8, in block style, with escapes for all that is not printable. A text of the kind
// kText stands in quotes. kInternal for what cannot be written: a scalar that is no UTF-8.
Result<std::string> write_yaml(const YamlValue& value);

}  // namespace slipway::cli
