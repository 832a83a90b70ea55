#pragma once

#include <cstdint>
#include <string>

namespace parley::bench {

// -1: the port cannot be had; errno says why.
int listen_on_loopback(uint16_t port);
// -1: the upstream is not there.
int connect_to_loopback(uint16_t port);
void send_at_once(int socket);  // TCP_NODELAY

// Each runs for ever, or gives the exit status of a machine that cannot.
int relay_by_epoll(int listener, uint16_t upstream);
int relay_by_io_uring(int listener, uint16_t upstream);
// Answers each HTTP/1.1 request, that is, each empty line that comes in.
int answer_all(int listener, const std::string& answer);

}  // namespace parley::bench
