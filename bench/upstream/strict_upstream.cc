// A real gRPC server that answers every method with one message. grpc++ ends the whole connection
// on metadata that it does not like, and so shows which gateways let one client do that to others.
// usage: bench_strict_upstream PORT MESSAGE_FILE      (on 127.0.0.1)

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

namespace parley::bench {
namespace {

// One call: reads the request, answers, deletes itself.
class Answer final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Answer(const grpc::ByteBuffer& message) : message_(message) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (ok) {
      StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      Finish({grpc::StatusCode::INVALID_ARGUMENT, "no message"});
    }
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(const grpc::ByteBuffer& message) : message_(message) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Answer(message_);
  }

 private:
  const grpc::ByteBuffer message_;
};

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: bench_strict_upstream PORT MESSAGE_FILE\n", stderr);
    return 2;
  }
  std::ifstream file(argv[2], std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  const grpc::Slice slice(content.str());
  parley::bench::Service service(grpc::ByteBuffer(&slice, 1));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + argv[1], grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::puts("listening");
  std::fflush(stdout);
  server->Wait();
}
