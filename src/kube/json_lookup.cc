#include "kube/json_lookup.h"

namespace slipway::kube {

namespace json = boost::json;

const json::object* object_at(const json::object* parent, std::string_view key) {
  const json::value* value = parent == nullptr ? nullptr : parent->if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array& array_at(const json::object* parent, std::string_view key) {
  static const json::array kEmpty;
  const json::value* value = parent == nullptr ? nullptr : parent->if_contains(key);
  const json::array* array = value == nullptr ? nullptr : value->if_array();
  return array == nullptr ? kEmpty : *array;
}

std::string text_at(const json::object* parent, std::string_view key) {
  const json::value* value = parent == nullptr ? nullptr : parent->if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

}  // namespace slipway::kube
