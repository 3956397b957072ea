#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace slipway::store {

// Opens the database file, or makes it (mode 0600) in a folder that exists. A commit is on the disk when it returns
// (write-ahead log, synchronous=FULL), and a process killed in the middle of one leaves all of it or nothing.
//
// kPreconditionFailed if a newer Slipway wrote the file; kInternal if the file is damaged; kUnavailable if it cannot be
// opened. One process at a time should hold it: slipwayd claims its state folder first (api/installation.h).
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace slipway::store
