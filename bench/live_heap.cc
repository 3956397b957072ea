#include "bench/live_heap.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

namespace slipway::bench {
namespace {

// One thread: no atomics.
LiveHeap heap;
bool counting = false;

void* counted(void* block) {
  if (block == nullptr || !counting) return block;
  heap.bytes += static_cast<std::int64_t>(malloc_usable_size(block));
  ++heap.blocks;
  ++heap.allocations;
  return block;
}

void discounted(void* block) {
  if (block == nullptr || !counting) return;
  heap.bytes -= static_cast<std::int64_t>(malloc_usable_size(block));
  --heap.blocks;
}

void* openssl_allocate(std::size_t size, const char*, int) { return counted(std::malloc(size)); }
void* openssl_reallocate(void* block, std::size_t size, const char*, int) {
  discounted(block);
  return counted(std::realloc(block, size));
}
void openssl_free(void* block, const char*, int) {
  discounted(block);
  std::free(block);
}

}  // namespace

HeapCount::HeapCount() {
  heap = {};
  counting = true;
}
HeapCount::~HeapCount() { counting = false; }
LiveHeap HeapCount::so_far() const { return heap; }

void count_openssl_too() { CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_free); }

}  // namespace slipway::bench

void* operator new(std::size_t size) {
  void* block = slipway::bench::counted(std::malloc(size));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept {
  slipway::bench::discounted(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }
