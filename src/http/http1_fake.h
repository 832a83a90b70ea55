#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "http/http_fake.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

// What tests of HTTP/1.1 connections share: texts, and a client with its connection in memory.
namespace parley::http {

inline constexpr std::string_view kDate = "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
inline constexpr std::string_view kClose = "connection: close\r\n";

inline std::string get(std::string_view path, std::string_view fields = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: a.example\r\n{}\r\n", path, fields);
}
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view fields = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\n{}\r\n{}", path,
                     body.size(), fields, body);
}
inline std::string post_chunked(std::string_view path, std::string_view chunks,
                                std::string_view fields = "") {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n{}\r\n{}", path, fields,
      chunks);
}

// A text answer with a known length; `fields` end its header.
inline std::string answer(std::string_view body, std::string_view fields = "",
                          std::string_view status = "200 OK") {
  return fmt::format("HTTP/1.1 {}\r\ncontent-type: text/plain\r\n{}content-length: {}\r\n{}\r\n{}",
                     status, kDate, body.size(), fields, body);
}
// Without the date, for tests whose clock moves.
inline std::string undated(std::string text) {
  const size_t at = text.find("date: ");
  if (at != std::string::npos) text.erase(at, kDate.size());
  return text;
}
// The head of a text answer whose length is not known.
inline std::string chunked_head(std::string_view fields = "") {
  return fmt::format(
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{}transfer-encoding: chunked\r\n{}\r\n",
      kDate, fields);
}

// A client, in the test's hand, and the connection that serves it, on a manual clock.
struct Http1Scene {
  void start() {
    auto [ours, theirs] = net::memory_pair(fake.loop, wire);
    client = std::make_unique<net::MemoryPeer>(std::move(ours));
    tasks.spawn(serve_connection(std::move(theirs), context));
  }
  // Sends, and gives what has come by the time that nothing moves any more.
  std::string ask(std::string_view bytes) {
    if (!client) start();
    client->send(bytes);
    fake.loop.run_until_idle();
    return client->take_received();
  }
  std::string settle() {
    fake.loop.run_until_idle();
    return client->take_received();
  }
  bool served() const { return tasks.empty(); }  // the connection has ended
  // The limits that were counted, each with how often: "http.header_timeout 1".
  std::string counted() const {
    std::string all;
    for (auto* series = metrics.limits().first(); series != nullptr; series = series->next)
      all += fmt::format("{}{} {}", all.empty() ? "" : ", ", series->name, series->hits.value());
    return all;
  }

  loop::FakeLoop fake;
  FakeService service{fake.loop};
  Settings settings;
  Drain drain{fake.loop};
  observe::Metrics metrics;
  ServerContext context{fake.loop, service, settings, drain, &metrics};
  std::shared_ptr<net::MemoryWire> wire = std::make_shared<net::MemoryWire>(fake.loop);
  std::unique_ptr<net::MemoryPeer> client;
  loop::TaskSet tasks{fake.loop};
};

}  // namespace parley::http
