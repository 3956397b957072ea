#include "http/message.h"

#include <algorithm>

#include "base/ascii.h"

namespace slipway::http {

bool CaseInsensitiveLess::operator()(std::string_view left, std::string_view right) const {
  return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                      [](char a, char b) { return lower_case(a) < lower_case(b); });
}

}  // namespace slipway::http
