// Simulated device memory: a range of addresses of its own, with one byte of state beside each byte, and a
// table of allocations to say what an address once was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sim {

using Address = uint64_t;

namespace memory {

constexpr size_t ALIGNMENT = 256;

// Reserves the addresses. Memory that the device admits to have: NACRE_SIM_MEMORY, by default 8 GiB.
void start();
// NACRE_SIM_COUNT=on: work is checked, ordered and counted, and nothing of it is done. Memory is then addresses
// alone, so that models of any size can be put through.
bool counting();
size_t capacity();
size_t used();
size_t peak();
void reset_peak();

// 0 where the device has too little left.
Address allocate(size_t bytes);
bool is_allocated(Address a);        // exactly the start of a live allocation
size_t release(Address a);           // the bytes that count as free from now on
void forget(Address a);              // the contents are gone from now on: any access is a fault
bool inside(Address a);              // an address of the simulated device, allocated or not

// Empty if every byte of the range may be written, or read; else what is wrong with it.
std::string why_not_writable(Address a, size_t bytes);
std::string why_not_readable(Address a, size_t bytes);
void mark_written(Address a, size_t bytes);
// Copies states along with contents, so that copying what was never written is no fault, reading it is.
void copy_states(Address from, Address to, size_t bytes);

// "12 bytes past the end of an allocation of 400 bytes".
std::string describe(Address a);

template <class T>
T* host(Address a) {
  return reinterpret_cast<T*>(a);
}

}  // namespace memory
}  // namespace sim
