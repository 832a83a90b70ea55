#include <algorithm>
#include <cctype>
#include <charconv>

#include "aip.h"
#include "order_rows.h"
#include "services.h"
#include "shop/v1/orders.grpc.pb.h"

namespace shop {

namespace {

constexpr const char* clerk = "Marta";

// The first number in a text; 0 when there is none.
int64_t number_in(std::string_view text) {
  const auto* const digit =
      std::find_if(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  int64_t number = 0;
  std::from_chars(digit, text.end(), number);
  return number;
}

bool mentions(std::string text, std::string_view word) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text.find(word) != std::string::npos;
}

// Reads a message, answers it, reads the next: a client that does not read is not read either.
class Chat final : public grpc::ServerBidiReactor<v1::ChatMessage, v1::ChatMessage> {
 public:
  explicit Chat(Database& orders) : orders_(orders) { StartRead(&heard_); }

  void OnReadDone(bool ok) override {
    if (ok) ++heard_count_;
    said_.Clear();
    said_.set_author(clerk);
    *said_.mutable_time() = timestamp(now_ms());
    ended_ = !ok;
    ended_ ? said_.set_text(goodbye()) : answer();
    StartWrite(&said_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    if (ended_) return Finish(grpc::Status::OK);
    StartRead(&heard_);
  }

  void OnDone() override { delete this; }

 private:
  void answer() {
    switch (heard_.content_case()) {
      case v1::ChatMessage::kText: return answer_text(heard_.text());
      case v1::ChatMessage::kAboutOrderId: return answer_order(heard_.about_order_id());
      case v1::ChatMessage::kTyping: return said_.set_typing(false);
      case v1::ChatMessage::kAttachment:
        return said_.set_text("Thank you, " + heard_.attachment().file_name() + " has arrived: " +
                              std::to_string(heard_.attachment().data().size()) + " bytes.");
      case v1::ChatMessage::kOrder:
      case v1::ChatMessage::CONTENT_NOT_SET: break;
    }
    said_.set_text("Pardon?");
  }

  void answer_text(const std::string& text) {
    if (const int64_t order_id = number_in(text); order_id != 0) return answer_order(order_id);
    if (mentions(text, "refund")) {
      return said_.set_text("Until it is shipped, you can cancel an order and pay nothing.");
    }
    if (mentions(text, "where") || mentions(text, "order")) {
      return said_.set_text("Which order is it? Tell me its number.");
    }
    said_.set_text("Hello " + (heard_.author().empty() ? "there" : heard_.author()) +
                   ", how can I be of help?");
  }

  void answer_order(int64_t order_id) {
    auto session = orders_.session();
    v1::Order order;
    if (get_order(session, order_id, order).ok()) {
      *said_.mutable_order() = order;
    } else {
      said_.set_text("I see no order " + std::to_string(order_id) + ".");
    }
  }

  std::string goodbye() const {
    return "Goodbye! I have answered " + std::to_string(heard_count_) + " of your messages.";
  }

  Database& orders_;
  v1::ChatMessage heard_;
  v1::ChatMessage said_;
  int64_t heard_count_ = 0;
  bool ended_ = false;
};

class Support final : public v1::Support::CallbackService {
 public:
  explicit Support(Database& orders) : orders_(orders) {}

  grpc::ServerBidiReactor<v1::ChatMessage, v1::ChatMessage>* SupportChat(
      grpc::CallbackServerContext*) override {
    return new Chat(orders_);
  }

 private:
  Database& orders_;
};

}  // namespace

Service support_service(Database& orders) {
  return {v1::Support::service_full_name(), std::make_unique<Support>(orders)};
}

}  // namespace shop
