#include "peers.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "errors.h"

namespace sim {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A name without a file, which is gone with the process that holds it.
socklen_t address(const std::string& name, int rank, sockaddr_un* out) {
  *out = sockaddr_un{};
  out->sun_family = AF_UNIX;
  std::string whole = "nacre-sim-nccl-" + name + "-" + std::to_string(rank);
  std::memcpy(out->sun_path + 1, whole.data(), whole.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + whole.size());
}

int open_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

double Peers::patience() {
  const char* text = std::getenv("NACRE_SIM_NCCL_TIMEOUT");
  return text ? std::atof(text) : 60;
}

Peers::~Peers() {
  for (int s : sockets_) {
    if (s >= 0) close(s);
  }
}

std::string Peers::meet(const std::string& name) {
  int ranks = static_cast<int>(sockets_.size());
  Clock::time_point start = Clock::now();
  sockaddr_un at;
  socklen_t length = address(name, rank_, &at);
  int door = open_socket();
  if (door < 0 || bind(door, reinterpret_cast<sockaddr*>(&at), length) != 0 || listen(door, ranks) != 0) {
    std::string why = errno == EADDRINUSE ? format("rank %d is there twice", rank_) : std::strerror(errno);
    if (door >= 0) close(door);
    return why;
  }
  std::string why;
  for (int peer = 0; peer < rank_ && why.empty(); peer++) {
    length = address(name, peer, &at);
    int s = open_socket();
    while (connect(s, reinterpret_cast<sockaddr*>(&at), length) != 0) {
      if (since(start) > patience()) {
        why = format("rank %d of %d has not come in %.0f s", peer, ranks, patience());
        break;
      }
      usleep(5000);
    }
    sockets_[peer] = s;
    if (why.empty() && send(s, &rank_, sizeof rank_, MSG_NOSIGNAL) != sizeof rank_) why = "a rank left while it joined";
  }
  for (int missing = ranks - 1 - rank_; missing > 0 && why.empty();) {
    pollfd waiting{door, POLLIN, 0};
    if (poll(&waiting, 1, 50) > 0) {
      int s = accept4(door, nullptr, nullptr, SOCK_CLOEXEC), peer = -1;
      if (recv(s, &peer, sizeof peer, MSG_WAITALL) == sizeof peer && peer > rank_ && peer < ranks && sockets_[peer] < 0) {
        sockets_[peer] = s;
        missing--;
      } else {
        close(s);
        why = format("rank %d calls itself one of %d ranks", peer, ranks);
      }
    } else if (since(start) > patience()) {
      for (int peer = rank_ + 1; peer < ranks && why.empty(); peer++) {
        if (sockets_[peer] < 0) why = format("rank %d of %d has not come in %.0f s", peer, ranks, patience());
      }
    }
  }
  close(door);
  return why;
}

Peers::End Peers::exchange(const std::vector<Piece>& out, const std::vector<Piece>& in,
                           const std::atomic<bool>& given_up, int* culprit) {
  std::vector<size_t> sent(sockets_.size()), got(sockets_.size());
  Clock::time_point progress = Clock::now();
  for (;;) {
    std::vector<pollfd> waiting;
    std::vector<int> whose;
    for (int peer = 0; peer < static_cast<int>(sockets_.size()); peer++) {
      short events = 0;
      if (peer != rank_ && sent[peer] < out[peer].bytes) events |= POLLOUT;
      if (peer != rank_ && got[peer] < in[peer].bytes) events |= POLLIN;
      if (events != 0) {
        waiting.push_back(pollfd{sockets_[peer], events, 0});
        whose.push_back(peer);
      }
    }
    if (waiting.empty()) return End::DONE;
    if (given_up) return End::GIVEN_UP;
    poll(waiting.data(), waiting.size(), 50);
    bool moved = false;
    for (size_t i = 0; i < waiting.size(); i++) {
      int peer = whose[i];
      *culprit = peer;
      if (waiting[i].revents & (POLLIN | POLLHUP | POLLERR)) {
        if (got[peer] < in[peer].bytes) {
          ssize_t n = recv(sockets_[peer], in[peer].data + got[peer], in[peer].bytes - got[peer], MSG_DONTWAIT);
          if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return End::LOST;
          if (n > 0) got[peer] += n, moved = true;
        }
      }
      if (waiting[i].revents & (POLLOUT | POLLERR)) {
        if (sent[peer] < out[peer].bytes) {
          ssize_t n = send(sockets_[peer], out[peer].data + sent[peer], out[peer].bytes - sent[peer],
                           MSG_DONTWAIT | MSG_NOSIGNAL);
          if (n < 0 && errno != EAGAIN && errno != EINTR && got[peer] >= in[peer].bytes) return End::LOST;
          if (n < 0 && errno == EPIPE) sent[peer] = out[peer].bytes;  // what it sent before it left is still read
          if (n > 0) sent[peer] += n, moved = true;
        }
      }
    }
    if (moved) progress = Clock::now();
    if (since(progress) > patience()) {
      *culprit = whose.front();
      for (int peer : whose) {
        if (got[peer] < in[peer].bytes) *culprit = peer;
      }
      return End::LATE;
    }
  }
}

int Peers::lost() const {
  for (int peer = 0; peer < static_cast<int>(sockets_.size()); peer++) {
    char first;
    if (peer != rank_) {
      ssize_t n = recv(sockets_[peer], &first, 1, MSG_PEEK | MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return peer;
    }
  }
  return -1;
}

void Peers::tell(const void* bytes, size_t count) {
  for (int s : sockets_) {
    if (s >= 0) (void)!send(s, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

}  // namespace sim
