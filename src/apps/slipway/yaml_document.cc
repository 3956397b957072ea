#include "apps/slipway/yaml_document.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <utility>

#include "apps/slipway/yaml_scalar.h"
#include "base/text.h"

namespace slipway::cli {
namespace {

using Kind = YamlValue::Kind;

constexpr std::size_t kMostBytes = std::size_t{4} << 20;
constexpr std::size_t kMostDocuments = 1000;
constexpr std::size_t kMostLevels = 64;
constexpr std::size_t kMostValues = 100000;
// libyaml compares each with all before it, within one call: 70,000 of them, 1 MiB, keep it busy for 9 s.
constexpr std::size_t kMostTagDirectives = 1000;

// Where libyaml begins: it would take a byte order mark for an indentation of the first line.
std::size_t start_of(std::string_view text) { return text.starts_with("\xef\xbb\xbf") ? 3 : 0; }

// A place in the text. libyaml counts characters, and ends a line at more than "\n".
class Place {
 public:
  explicit Place(std::string_view text) : text_(text), byte_(start_of(text)) {}

  std::size_t line() const { return line_; }
  std::size_t column() const { return byte_ - line_start_ + 1; }

  // Forward only, and not beyond the end.
  void go_to_character(std::size_t character) {
    while (character_ < character && byte_ < text_.size()) step();
  }
  void go_to_byte(std::size_t byte) {
    while (byte_ < byte && byte_ < text_.size()) step();
  }

 private:
  void step() {
    const bool ends_line = text_[byte_] == '\n';
    byte_ += std::max<std::size_t>(utf8_sequence(text_.substr(byte_)), 1);
    ++character_;
    if (!ends_line) return;
    ++line_;
    line_start_ = byte_;
  }

  std::string_view text_;
  std::size_t byte_, character_ = 0, line_ = 1, line_start_ = 0;
};

tl::unexpected<Error> fail_at(const Place& place, ErrorCode code, std::string_view what) {
  return fail(code, fmt::format("line {}, column {}: {}", place.line(), place.column(), what));
}

// libyaml's parser over a text that outlives it.
class Events {
 public:
  explicit Events(std::string_view text) : text_(text) {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    // It aborts at a null pointer, which an empty view may hold.
    const std::string_view input = text.empty() ? "" : text.substr(start_of(text));
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(input.data()), input.size());
  }
  ~Events() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // Valid until the next call. None may follow an error, nor YAML_STREAM_END_EVENT.
  Result<const yaml_event_t*> next() {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) == 0) return fail_of_parser();
    return &event_;
  }

 private:
  tl::unexpected<Error> fail_of_parser() const {
    if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    Place place(text_);
    if (parser_.error == YAML_READER_ERROR)
      place.go_to_byte(start_of(text_) + parser_.problem_offset);
    else
      place.go_to_character(parser_.problem_mark.index);
    if (parser_.context == nullptr) return fail_at(place, ErrorCode::kMalformed, parser_.problem);
    Place start(text_);
    start.go_to_character(parser_.context_mark.index);
    return fail_at(place, ErrorCode::kMalformed,
                   fmt::format("{} {} from line {}", parser_.problem, parser_.context, start.line()));
  }

  std::string_view text_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
};

std::string text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

// What a value takes of the bounds.
struct Size {
  std::size_t levels = 0, values = 1, bytes = 0;
};

// No deeper than kMostLevels, as all that is built here.
Size size_of(const YamlValue& value) {
  Size size;
  size.bytes = value.text.size();
  const auto add = [&size](const YamlValue& child) {
    const Size more = size_of(child);
    size.levels = std::max(size.levels, more.levels);
    size.values += more.values;
    size.bytes += more.bytes;
  };
  for (const YamlValue& element : value.elements) add(element);
  for (const YamlMember& member : value.members) {
    add(member.key);
    add(member.value);
  }
  if (value.is_sequence() || value.is_map()) ++size.levels;
  return size;
}

// A type that a tag names is that of a plain scalar with the same looks; every other tag makes a text.
Kind kind_of(const yaml_event_t& event, std::string_view text) {
  const auto& scalar = event.data.scalar;
  const YamlScalar type = plain_scalar_type(text);
  if (scalar.tag == nullptr) {
    if (scalar.plain_implicit == 0) return Kind::kText;
    return type == YamlScalar::kNull ? Kind::kNull : Kind::kPlain;
  }
  const std::string tag = text_of(scalar.tag);
  if (tag == YAML_NULL_TAG && type == YamlScalar::kNull) return Kind::kNull;
  if (tag == YAML_BOOL_TAG && type == YamlScalar::kBoolean) return Kind::kPlain;
  const bool is_number = type == YamlScalar::kInteger || type == YamlScalar::kFloat;
  return (tag == YAML_INT_TAG || tag == YAML_FLOAT_TAG) && is_number ? Kind::kPlain : Kind::kText;
}

// Makes trees of events. A stack of its own holds the collections that are open.
class Builder {
 public:
  explicit Builder(std::string_view text) : place_(text) {}

  Status add(const yaml_event_t& event) {
    place_.go_to_character(event.start_mark.index);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        return check(documents_.size() + 1, kMostDocuments, "documents");
      case YAML_DOCUMENT_END_EVENT:
        anchors_.clear();
        return {};
      case YAML_SCALAR_EVENT:
        return add_scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        return open(Kind::kSequence, text_of(event.data.sequence_start.anchor), event.data.sequence_start.tag);
      case YAML_MAPPING_START_EVENT:
        return open(Kind::kMap, text_of(event.data.mapping_start.anchor), event.data.mapping_start.tag);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return close();
      case YAML_ALIAS_EVENT:
        return add_alias(text_of(event.data.alias.anchor));
      default:
        return {};
    }
  }

  std::vector<YamlValue> take() { return std::move(documents_); }

 private:
  struct Open {
    YamlValue collection;
    std::string anchor;
    std::optional<YamlValue> key;  // of a map, until its value follows
  };

  Status check(std::size_t amount, std::size_t most, std::string_view what) const {
    if (amount <= most) return {};
    return fail_at(place_, ErrorCode::kResourceExhausted, fmt::format("more than {} {}", most, what));
  }

  Status count(const Size& more) {
    values_ += more.values;
    bytes_ += more.bytes;
    SLIPWAY_TRY(check(open_.size() + more.levels, kMostLevels, "levels"));
    SLIPWAY_TRY(check(values_, kMostValues, "values, with those of aliases and anchors"));
    return check(bytes_, kMostBytes, "bytes of scalars, with those of aliases and anchors");
  }

  YamlValue value_here(Kind kind) const {
    YamlValue value;
    value.kind = kind;
    value.line = place_.line();
    value.column = place_.column();
    return value;
  }

  Status add_scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    std::string text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    SLIPWAY_TRY(count({0, 1, text.size() + text_of(scalar.tag).size()}));
    YamlValue value = value_here(kind_of(event, text));
    if (!value.is_null()) value.text = std::move(text);
    return put(std::move(value), text_of(scalar.anchor));
  }

  Status open(Kind kind, std::string anchor, const yaml_char_t* tag) {
    SLIPWAY_TRY(count({1, 1, text_of(tag).size()}));
    // An alias inside must not find an older value of that name.
    if (!anchor.empty()) anchors_[anchor] = std::nullopt;
    open_.push_back({value_here(kind), std::move(anchor), std::nullopt});
    return {};
  }

  Status close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    return put(std::move(done.collection), done.anchor);
  }

  Status add_alias(const std::string& name) {
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      return fail_at(place_, ErrorCode::kMalformed,
                     fmt::format("expected an anchor \"&{0}\" before the alias \"*{0}\"", printable(name, 100)));
    if (!found->second)
      return fail_at(place_, ErrorCode::kMalformed,
                     fmt::format("the alias \"*{}\" stands in the value that it names", printable(name, 100)));
    SLIPWAY_TRY(count(size_of(*found->second)));
    return put(*found->second, {});
  }

  // A finished value, into the collection that it stands in.
  Status put(YamlValue value, const std::string& anchor) {
    if (!anchor.empty()) {
      SLIPWAY_TRY(count(size_of(value)));
      anchors_[anchor] = value;
    }
    if (open_.empty()) {
      documents_.push_back(std::move(value));
      return {};
    }
    Open& parent = open_.back();
    if (parent.collection.is_sequence()) {
      parent.collection.elements.push_back(std::move(value));
    } else if (!parent.key) {
      parent.key = std::move(value);
    } else {
      parent.collection.members.push_back({std::move(*parent.key), std::move(value)});
      parent.key.reset();
    }
    return {};
  }

  Place place_;
  std::size_t values_ = 0, bytes_ = 0;
  std::vector<Open> open_;
  // The values that the document's aliases may name; none yet while the collection is open.
  std::map<std::string, std::optional<YamlValue>> anchors_;
  std::vector<YamlValue> documents_;
};

// libyaml's emitter of one document.
class Writer {
 public:
  Writer() {
    if (yaml_emitter_initialize(&emitter_) == 0) throw std::bad_alloc();
    yaml_emitter_set_output(&emitter_, append, &text_);
    yaml_emitter_set_unicode(&emitter_, 1);
    yaml_emitter_set_width(&emitter_, -1);
  }
  ~Writer() { yaml_emitter_delete(&emitter_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<std::string> write(const YamlValue& value) {
    yaml_event_t event;
    SLIPWAY_TRY(emit(yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), event));
    SLIPWAY_TRY(emit(yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1), event));
    SLIPWAY_TRY(add(value));
    SLIPWAY_TRY(emit(yaml_document_end_event_initialize(&event, 1), event));
    SLIPWAY_TRY(emit(yaml_stream_end_event_initialize(&event), event));
    return std::move(text_);
  }

 private:
  static int append(void* text, unsigned char* bytes, std::size_t size) {
    static_cast<std::string*>(text)->append(reinterpret_cast<const char*>(bytes), size);
    return 1;
  }

  // `made` is what libyaml said of the event, which it takes.
  Status emit(int made, yaml_event_t& event) {
    if (made == 0) return fail(ErrorCode::kInternal, "a value cannot be written as YAML");
    if (yaml_emitter_emit(&emitter_, &event) != 0) return {};
    if (emitter_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    return fail(ErrorCode::kInternal, fmt::format("a value cannot be written as YAML: {}", emitter_.problem));
  }

  Status add_scalar(const std::string& text, yaml_scalar_style_t style) {
    if (!std::in_range<int>(text.size())) return fail(ErrorCode::kInternal, "a text is too long for YAML");
    yaml_event_t event;
    const int made =
        yaml_scalar_event_initialize(&event, nullptr, nullptr, reinterpret_cast<const yaml_char_t*>(text.data()),
                                     static_cast<int>(text.size()), 1, 1, style);
    return emit(made, event);
  }

  Status add(const YamlValue& value) {
    yaml_event_t event;
    switch (value.kind) {
      case Kind::kNull:
        return add_scalar("null", YAML_PLAIN_SCALAR_STYLE);
      case Kind::kPlain:
        return add_scalar(value.text, YAML_PLAIN_SCALAR_STYLE);
      case Kind::kText:
        return add_scalar(value.text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
      case Kind::kSequence:
        SLIPWAY_TRY(
            emit(yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_SEQUENCE_STYLE), event));
        for (const YamlValue& element : value.elements) SLIPWAY_TRY(add(element));
        return emit(yaml_sequence_end_event_initialize(&event), event);
      case Kind::kMap:
        SLIPWAY_TRY(
            emit(yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_MAPPING_STYLE), event));
        for (const YamlMember& member : value.members) {
          SLIPWAY_TRY(add(member.key));
          SLIPWAY_TRY(add(member.value));
        }
        return emit(yaml_mapping_end_event_initialize(&event), event);
    }
    return {};
  }

  yaml_emitter_t emitter_{};
  std::string text_;
};

Status check_tag_directives(std::string_view text) {
  constexpr std::string_view kDirective = "%TAG";
  std::size_t count = 0;
  for (std::size_t at = text.find(kDirective); at != text.npos; at = text.find(kDirective, at + kDirective.size()))
    if (++count > kMostTagDirectives)
      return fail(ErrorCode::kResourceExhausted, fmt::format("more than {} %TAG directives", kMostTagDirectives));
  return {};
}

}  // namespace

const YamlValue& YamlValue::member(std::string_view key) const {
  static const YamlValue kNothing;
  const auto found = std::find_if(members.begin(), members.end(), [key](const YamlMember& each) {
    return each.key.is_scalar() && each.key.text == key;
  });
  return found == members.end() ? kNothing : found->value;
}

YamlValue yaml_text(std::string_view text) {
  YamlValue value;
  value.text = valid_utf8(std::string(text));
  value.kind = is_plain_yaml_text(value.text) ? Kind::kPlain : Kind::kText;
  return value;
}

Result<std::vector<YamlValue>> read_yaml(std::string_view text) {
  if (text.size() > kMostBytes) return fail(ErrorCode::kResourceExhausted, "more than 4 MiB");
  SLIPWAY_TRY(check_tag_directives(text));
  Events events(text);
  Builder builder(text);
  for (;;) {
    SLIPWAY_ASSIGN(const yaml_event_t* event, events.next());
    if (event->type == YAML_STREAM_END_EVENT) return builder.take();
    SLIPWAY_TRY(builder.add(*event));
  }
}

Result<YamlValue> read_yaml_document(std::string_view text) {
  SLIPWAY_ASSIGN(auto documents, read_yaml(text));
  std::erase_if(documents, [](const YamlValue& document) { return document.is_null(); });
  if (documents.empty()) return YamlValue();
  if (documents.size() > 1)
    return fail(ErrorCode::kMalformed, fmt::format("line {}, column {}: expected one document, and another begins here",
                                                   documents[1].line, documents[1].column));
  return std::move(documents.front());
}

Result<std::string> write_yaml(const YamlValue& value) { return Writer().write(value); }

}  // namespace slipway::cli
