#include <algorithm>

#include "aip.h"
#include "seed.h"
#include "services.h"
#include "shop/v1/users.grpc.pb.h"

namespace shop {

namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

constexpr const char* type = "shop.example/User";
constexpr int addresses_max = 20;

// A row is the message; the other columns are what lists look for.
constexpr const char* schema = R"(
  CREATE TABLE users (
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    phone TEXT NOT NULL,
    city TEXT NOT NULL,
    tier INTEGER NOT NULL,
    newsletter INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    message BLOB NOT NULL,
    preferences BLOB NOT NULL DEFAULT x'');
  CREATE INDEX users_by_phone ON users (phone);
)";

#define USERS_FILTER                                                                 \
  "(?1 = '' OR city = ?1) AND (?2 = 0 OR (?2 >> tier) & 1) AND created_ms > ?3 AND " \
  "(?4 < 0 OR newsletter = ?4)"
constexpr const char* list_sql =
    "SELECT message FROM users WHERE " USERS_FILTER " AND user_id > ?5 ORDER BY user_id LIMIT ?6";
constexpr const char* count_sql = "SELECT COUNT(*) FROM users WHERE " USERS_FILTER;
#undef USERS_FILTER

void put(Database::Session& session, const v1::User& user) {
  session.run(
      "INSERT INTO users (user_id, email, phone, city, tier, newsletter, created_ms, message) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (user_id) DO UPDATE SET "
      "email = ?2, phone = ?3, city = ?4, tier = ?5, newsletter = ?6, message = ?8",
      user.user_id(), user.email(), user.phone(),
      user.addresses().empty() ? std::string() : user.addresses(0).city(), user.tier(),
      user.has_newsletter() ? int{user.newsletter().value()} : -1, milliseconds(user.create_time()),
      Blob{user.SerializeAsString()});
}

grpc::Status get(Database::Session& session, int64_t user_id, v1::User& user) {
  auto rows = session.query("SELECT message FROM users WHERE user_id = ?1", user_id);
  if (!rows.next()) return not_found(type, user_id);
  user.ParseFromString(std::string(rows.text(0)));
  return grpc::Status::OK;
}

bool is_phone(std::string_view phone) {  // E.164.
  return phone.size() >= 8 && phone.size() <= 16 && phone[0] == '+' && phone[1] != '0' &&
         std::all_of(phone.begin() + 1, phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_email(std::string_view email) {
  const size_t at = email.find('@');
  return at != 0 && at != std::string_view::npos && email.find('.', at + 2) < email.size() - 1 &&
         email.find('@', at + 1) == std::string_view::npos && email.find(' ') == email.npos;
}

void check_address(const v1::Address& address, const std::string& path, Violations& violations) {
  if (address.country().size() != 2) {
    violations.push_back({path + "country", "is not two letters, as in PT"});
  }
  const auto& location = address.location();
  if (std::abs(location.latitude()) > 90 || std::abs(location.longitude()) > 180) {
    violations.push_back({path + "location", "is not on the earth"});
  }
}

grpc::Status check(const v1::User& user) {
  Violations violations = missing_fields(user, "user.");
  if (!user.email().empty() && !is_email(user.email())) {
    violations.push_back({"user.email", "is not an address, as in ada@mail.example"});
  }
  if (user.has_phone() && !is_phone(user.phone())) {
    violations.push_back({"user.phone", "is not a number in E.164, as in +351912345678"});
  }
  if (user.addresses_size() > addresses_max) {
    violations.push_back({"user.addresses", "has more than " + std::to_string(addresses_max)});
  }
  for (int i = 0; i < user.addresses_size(); ++i) {
    check_address(user.addresses(i), "user.addresses[" + std::to_string(i) + "].", violations);
  }
  if (!v1::Tier_IsValid(user.tier())) violations.push_back({"user.tier", "is unknown"});
  return violations.empty() ? grpc::Status::OK : invalid(violations);
}

// OK when nobody else has the e-mail address.
grpc::Status check_email_free(Database::Session& session, const v1::User& user) {
  const int64_t owner = session.integer("SELECT user_id FROM users WHERE email = ?1", user.email());
  return owner == 0 || owner == user.user_id() ? grpc::Status::OK
                                               : already_exists(type, user.email());
}

void stamp(v1::User& user) {
  const int64_t now = now_ms();
  if (!user.has_create_time()) *user.mutable_create_time() = timestamp(now);
  *user.mutable_update_time() = timestamp(now);
  if (user.tier() == v1::TIER_UNSPECIFIED) user.set_tier(v1::TIER_BASIC);
  user.set_full_name(user.display_name());
  user.set_etag(make_etag(user.user_id(), now));
}

class Users final : public v1::Users::CallbackService {
 public:
  explicit Users(Database& database) : database_(database) {}

  Reactor* GetUser(Context* context, const v1::GetUserRequest* request, v1::User* user) override {
    auto session = database_.session();
    const auto status = get(session, request->user_id(), *user);
    if (status.ok()) send_etag(context, user->etag());
    return finish(context, status);
  }

  Reactor* ListUsers(Context* context, const v1::ListUsersRequest* request,
                     v1::ListUsersResponse* response) override {
    return finish(context, list(*request, *response));
  }

  Reactor* BatchGetUsers(Context* context, const v1::BatchGetUsersRequest* request,
                         v1::BatchGetUsersResponse* response) override {
    auto status = check_batch(request->user_ids_size(), "user_ids");
    auto session = database_.session();
    for (int i = 0; status.ok() && i < request->user_ids_size(); ++i) {
      status = get(session, request->user_ids(i), *response->add_users());
    }
    return finish(context, status);
  }

  Reactor* LookupUser(Context* context, const v1::LookupUserRequest* request,
                      v1::User* user) override {
    auto session = database_.session();
    if (request->key_case() == v1::LookupUserRequest::KEY_NOT_SET) {
      return finish(context, invalid("email", "or phone is required"));
    }
    const auto& key = request->has_email() ? request->email() : request->phone();
    const char* const sql = request->has_email()
                                ? "SELECT user_id FROM users WHERE email = ?1"
                                : "SELECT user_id FROM users WHERE phone = ?1 AND ?1 <> ''";
    const int64_t user_id = session.integer(sql, key);
    return finish(context, user_id == 0 ? not_found(type, key) : get(session, user_id, *user));
  }

  Reactor* CreateUser(Context* context, const v1::CreateUserRequest* request,
                      v1::User* user) override {
    *user = request->user();
    clear_output_only(*user);
    const auto status = create(*user);
    if (status.ok()) {
      send_location(context, "/v1/users/", user->user_id());
      send_etag(context, user->etag());
    }
    return finish(context, status);
  }

  Reactor* UpdateUser(Context* context, const v1::UpdateUserRequest* request,
                      v1::User* user) override {
    const auto status = change(*request, *user);
    if (status.ok()) send_etag(context, user->etag());
    return finish(context, status);
  }

  Reactor* DeleteUser(Context* context, const v1::DeleteUserRequest* request,
                      google::protobuf::Empty*) override {
    auto session = database_.session();
    v1::User user;
    auto status = get(session, request->user_id(), user);
    if (status.ok()) status = check_etag(request->etag(), user.etag());
    if (status.ok()) session.run("DELETE FROM users WHERE user_id = ?1", request->user_id());
    return finish(context, status);
  }

  Reactor* GetPreferences(Context* context, const v1::GetPreferencesRequest* request,
                          v1::Preferences* preferences) override {
    auto session = database_.session();
    auto rows =
        session.query("SELECT preferences FROM users WHERE user_id = ?1", request->user_id());
    if (!rows.next()) return finish(context, not_found(type, request->user_id()));
    preferences->mutable_values()->ParseFromString(std::string(rows.text(0)));
    preferences->set_user_id(request->user_id());
    return finish(context, grpc::Status::OK);
  }

  Reactor* SetPreferences(Context* context, const v1::Preferences* request,
                          v1::Preferences* preferences) override {
    auto session = database_.session();
    const int64_t changed =
        session.run("UPDATE users SET preferences = ?2 WHERE user_id = ?1", request->user_id(),
                    Blob{request->values().SerializeAsString()});
    if (changed == 0) return finish(context, not_found(type, request->user_id()));
    *preferences = *request;
    preferences->mutable_values();
    return finish(context, grpc::Status::OK);
  }

  Reactor* GetUserName(Context* context, const v1::GetUserRequest* request,
                       google::protobuf::StringValue* name) override {
    auto session = database_.session();
    v1::User user;
    const auto status = get(session, request->user_id(), user);
    name->set_value(user.display_name());
    return finish(context, status);
  }

 private:
  grpc::Status list(const v1::ListUsersRequest& request, v1::ListUsersResponse& response) {
    Page page;
    if (auto status = read_page(request, page); !status.ok()) return status;
    const auto& filter = request.filter();
    int64_t tiers = 0;
    for (const int tier : filter.tiers()) {
      if (!v1::Tier_IsValid(tier)) return invalid("filter.tiers", "has an unknown tier");
      tiers |= int64_t{1} << tier;
    }
    const int64_t created_after_ms =
        filter.has_created_after() ? milliseconds(filter.created_after()) : -1;
    const int newsletter = filter.has_newsletter() ? int{filter.newsletter().value()} : -1;

    auto session = database_.session();
    auto rows = session.query(list_sql, filter.city(), tiers, created_after_ms, newsletter,
                              page.after, page.size + 1);
    while (rows.next()) {
      if (response.users_size() == page.size) {
        response.set_next_page_token(page_token(request, response.users().rbegin()->user_id()));
        break;
      }
      response.add_users()->ParseFromString(std::string(rows.text(0)));
    }
    response.set_total_size(static_cast<int32_t>(
        session.integer(count_sql, filter.city(), tiers, created_after_ms, newsletter)));
    return grpc::Status::OK;
  }

  grpc::Status create(v1::User& user) {
    if (auto status = check(user); !status.ok()) return status;
    auto session = database_.session();
    if (auto status = check_email_free(session, user); !status.ok()) return status;
    user.set_user_id(session.integer("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'users'"));
    stamp(user);
    put(session, user);
    return grpc::Status::OK;
  }

  grpc::Status change(const v1::UpdateUserRequest& request, v1::User& user) {
    const auto& patch = request.user();
    auto session = database_.session();
    if (auto status = get(session, patch.user_id(), user); !status.ok()) return status;
    if (auto status = check_etag(patch.etag(), user.etag()); !status.ok()) return status;
    const auto violations = update(patch, request.update_mask(), user);
    if (!violations.empty()) return invalid(violations);
    if (auto status = check(user); !status.ok()) return status;
    if (auto status = check_email_free(session, user); !status.ok()) return status;
    stamp(user);
    put(session, user);
    return grpc::Status::OK;
  }

  Database& database_;
};

}  // namespace

Services users_services(Database& database) {
  database.create(schema, [](Database::Session& session) {
    for (int64_t id = 1; id <= user_count; ++id) put(session, seed_user(id));
  });
  Services services;
  services.push_back({v1::Users::service_full_name(), std::make_unique<Users>(database)});
  return services;
}

}  // namespace shop
