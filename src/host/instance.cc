#include "host/instance.h"

namespace slipway::host {

Status check_instance(const std::string& instance) {
  bool good = instance.size() == 36;
  for (std::size_t i = 0; good && i < instance.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    good = hyphen ? instance[i] == '-'
                  : (instance[i] >= '0' && instance[i] <= '9') || (instance[i] >= 'a' && instance[i] <= 'f');
  }
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument,
              "\"" + instance + "\" is not the id of a node instance: a UUID in lower case");
}

}  // namespace slipway::host
