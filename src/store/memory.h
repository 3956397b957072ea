#pragma once

#include <memory>

#include "store/store.h"

namespace slipway::store {

// Keeps documents as long as the process lives: for tests.
std::unique_ptr<Store> make_memory_store();

}  // namespace slipway::store
