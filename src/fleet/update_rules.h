#pragma once

#include <vector>

#include "base/result.h"
#include "fleet/image_catalog.h"
#include "fleet/rules.h"
#include "fleet/types.h"

// What may be changed of a pool that is there, and with which image its nodes are made afterwards (S80-S92, S98-S102,
// G5). Pure.
namespace slipway::fleet {

// The rules over a change, besides those that judge_pool has for the result. `before` and `after` have their defaults
// filled in alike: where the client said nothing, `after` is as `before`. Every broken rule is in the list.
std::vector<Error> judge_update(const Pool& pool, const PoolRequest& before, const PoolRequest& after,
                                const ImageCatalog& images, const RulesProfile& profile);

// True if the image is fit for Trusted Launch: as the catalog has it, else as its name says.
bool is_trusted_image(const std::string& version, const ImageCatalog& images);

// The image version of the pool's nodes after the change. kPreconditionFailed where it would need one that is not here.
Result<std::string> image_after_update(const Pool& pool, const PoolRequest& after, const ImageCatalog& images,
                                       const RulesProfile& profile);

// The newest image of the kind that the pool has. kPreconditionFailed where there is none.
Result<std::string> newest_image(const Pool& pool, const ImageCatalog& images);

}  // namespace slipway::fleet
