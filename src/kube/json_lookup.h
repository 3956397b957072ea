#pragma once

#include <boost/json.hpp>
#include <string>

// Lenient look-ups in what an apiserver answers: what is missing, or of another type, is null or empty. So is what
// would be found in a null parent.
namespace slipway::kube {

const boost::json::object* object_at(const boost::json::object* parent, std::string_view key);
const boost::json::array& array_at(const boost::json::object* parent, std::string_view key);
std::string text_at(const boost::json::object* parent, std::string_view key);

}  // namespace slipway::kube
