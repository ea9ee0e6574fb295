// The other processes of a simulated communicator: a socket to each, on this machine.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

namespace sim {

class Peers {
 public:
  struct Piece {
    char* data = nullptr;
    size_t bytes = 0;
  };
  enum class End { DONE, LOST, LATE, GIVEN_UP };

  Peers(int rank, int ranks) : rank_(rank), sockets_(ranks, -1) {}
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Meets the others, who use the same name. Empty, or why it could not.
  std::string meet(const std::string& name);

  // Sends each peer its piece and receives one from each, at the same time. A peer that is lost, or
  // late by more than NACRE_SIM_NCCL_TIMEOUT seconds (60), is left in `culprit`.
  End exchange(const std::vector<Piece>& out, const std::vector<Piece>& in, const std::atomic<bool>& given_up,
               int* culprit);

  // A peer whose process has ended and of whom nothing is left to be read, or -1.
  int lost() const;


  // Sends what is small enough never to block; nothing happens where nobody reads it.
  void tell(const void* bytes, size_t count);

  static double patience();

 private:
  int rank_;
  std::vector<int> sockets_;
};

}  // namespace sim
