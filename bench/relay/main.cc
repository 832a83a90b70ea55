// The floor under every proxy: copies bytes between clients and an upstream, one upstream
// connection for each client's, and looks at none of them. And the other end for HTTP/1.1: a server
// that answers every request with the same bytes.
//
// usage: bench_relay epoll PORT UPSTREAM_PORT
//        bench_relay io_uring PORT UPSTREAM_PORT
//        bench_relay answers PORT ANSWER_FILE        (all on 127.0.0.1)

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "relay.h"

int main(int argc, char** argv) {
  namespace bench = parley::bench;
  if (argc != 4) {
    std::fputs("usage: bench_relay epoll|io_uring|answers PORT UPSTREAM_PORT|ANSWER_FILE\n",
               stderr);
    return 2;
  }
  const std::string_view mode = argv[1];
  const int listener = bench::listen_on_loopback(static_cast<uint16_t>(std::atoi(argv[2])));
  if (listener < 0) {
    std::perror("bench_relay: cannot listen");
    return 1;
  }
  if (mode == "answers") {
    std::ifstream file(argv[3], std::ios::binary);
    std::ostringstream answer;
    answer << file.rdbuf();
    return bench::answer_all(listener, answer.str());
  }
  const auto upstream = static_cast<uint16_t>(std::atoi(argv[3]));
  return mode == "io_uring" ? bench::relay_by_io_uring(listener, upstream)
                            : bench::relay_by_epoll(listener, upstream);
}
