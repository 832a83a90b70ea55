#include "seed.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>
#include <utility>

#include "aip.h"

namespace shop {

namespace {

constexpr int64_t opening_day_ms = 1'704'096'000'000;  // 2024-01-01T08:00:00Z
constexpr int64_t minute_ms = 60'000;
constexpr int64_t day_ms = 24 * 60 * minute_ms;

// SplitMix64, seeded by what is made, so that each thing is the same whatever is made before it.
class Dice {
 public:
  Dice(uint64_t kind, int64_t id) : state_(kind << 56 ^ static_cast<uint64_t>(id)) {}

  // From 0 to sides - 1.
  int64_t roll(int64_t sides) {
    return static_cast<int64_t>(next() % static_cast<uint64_t>(sides));
  }
  bool chance(int64_t percent) { return roll(100) < percent; }
  template <typename List>
  const auto& pick(const List& list) {
    return list[static_cast<size_t>(roll(static_cast<int64_t>(std::size(list))))];
  }

 private:
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  uint64_t state_;
};

constexpr std::string_view given_names[] = {
    "Ada",   "Amir",  "Ana",     "Björn", "Chiara", "Chidi", "Dmitri", "Eilidh",  "Elif",  "Emeka",
    "Fatma", "Femi",  "Greta",   "Hana",  "Henrik", "Ines",  "Ivan",   "Jonas",   "Jun",   "Kaito",
    "Katja", "Lars",  "Leila",   "Luca",  "Maeve",  "Marta", "Mateo",  "Mei",     "Nadia", "Noor",
    "Oskar", "Paola", "Pierre",  "Priya", "Rafael", "Rosa",  "Samir",  "Siobhán", "Sofia", "Tomás",
    "Ulla",  "Vera",  "Wanjiru", "Wei",   "Yara",   "Yusuf", "Zoë",    "Zoran"};
constexpr std::string_view family_names[] = {
    "Adeyemi", "Almeida",   "Andersson", "Bauer",     "Becker",  "Bianchi",   "Cohen",
    "Costa",   "Dubois",    "Eriksen",   "Fernandes", "Fischer", "García",    "Haddad",
    "Hansen",  "Hoffmann",  "Ivanova",   "Jansen",    "Kamau",   "Kaya",      "Kowalska",
    "Laurent", "Lindqvist", "Martin",    "Mensah",    "Moreau",  "Murphy",    "Nakamura",
    "Novák",   "O'Brien",   "Okafor",    "Papadakis", "Patel",   "Petrov",    "Ricci",
    "Rossi",   "Sato",      "Schmidt",   "Silva",     "Singh",   "Takahashi", "van Dijk",
    "Vargas",  "Weber",     "Yılmaz",    "Zhang"};

struct City {
  std::string_view name, country, postal_prefix, street;
  double latitude, longitude;
};
constexpr City cities[] = {{"Lisbon", "PT", "1100-", "Rua do Poço", 38.7223, -9.1393},
                           {"Porto", "PT", "4050-", "Rua das Flores", 41.1496, -8.6110},
                           {"Hamburg", "DE", "204", "Deichstraße", 53.5511, 9.9937},
                           {"Rotterdam", "NL", "30", "Wijnhaven", 51.9244, 4.4777},
                           {"Gothenburg", "SE", "411", "Haga Nygata", 57.7089, 11.9746},
                           {"Trieste", "IT", "341", "Via Torino", 45.6495, 13.7768},
                           {"Marseille", "FR", "130", "Rue du Panier", 43.2965, 5.3698},
                           {"Gdańsk", "PL", "80-", "Ulica Mariacka", 54.3520, 18.6466},
                           {"Cork", "IE", "T12 ", "Oliver Plunkett Street", 51.8985, -8.4756},
                           {"Thessaloniki", "GR", "546", "Odos Tsimiski", 40.6401, 22.9444},
                           {"Bilbao", "ES", "480", "Calle Somera", 43.2630, -2.9350},
                           {"Tallinn", "EE", "101", "Pikk tänav", 59.4370, 24.7536}};

constexpr std::string_view interests[] = {"sailing",  "baking",  "cycling",   "photography",
                                          "chess",    "pottery", "gardening", "jazz",
                                          "climbing", "cinema"};

struct Shelf {
  std::string_view category, family;
  std::array<std::string_view, 6> nouns;
  int64_t cents_min, cents_max;
};
constexpr Shelf shelves[] = {
    {"kitchen/knives",
     "kitchen",
     {"Santoku Knife", "Paring Knife", "Bread Knife", "Cleaver", "Boning Knife", "Steak Knife"},
     900,
     24000},
    {"kitchen/pots",
     "kitchen",
     {"Saucepan", "Stockpot", "Casserole", "Sauté Pan", "Milk Pan", "Wok"},
     1900,
     32000},
    {"kitchen/tea-and-coffee",
     "kitchen",
     {"Teapot", "Moka Pot", "Kettle", "Coffee Mill", "Pour-over Cone", "Milk Jug"},
     700,
     18000},
    {"garden/tools",
     "garden",
     {"Trowel", "Spade", "Hand Fork", "Pruning Shears", "Dibber", "Rake"},
     500,
     9000},
    {"garden/seeds",
     "garden",
     {"Tomato Seeds", "Basil Seeds", "Radish Seeds", "Sunflower Seeds", "Chard Seeds",
      "Poppy Seeds"},
     150,
     900},
    {"office/paper",
     "office",
     {"Notebook", "Sketchbook", "Writing Pad", "Envelope Set", "Diary", "Index Cards"},
     200,
     4500},
    {"office/pens",
     "office",
     {"Fountain Pen", "Pencil Set", "Rollerball", "Brush Pen", "Marker Set", "Mechanical Pencil"},
     150,
     29000},
    {"home/lighting",
     "home",
     {"Desk Lamp", "Pendant Lamp", "Floor Lamp", "Lantern", "Wall Light", "Candle Holder"},
     1200,
     48000},
    {"home/textiles",
     "home",
     {"Wool Blanket", "Cushion", "Table Runner", "Bath Towel", "Linen Sheet", "Tea Towel"},
     600,
     26000},
    {"boats/deck",
     "boats",
     {"Mooring Line", "Fender", "Shackle", "Cleat", "Winch Handle", "Boat Hook"},
     400,
     36000},
    {"boats/navigation",
     "boats",
     {"Hand Compass", "Chart Plotter", "Parallel Rulers", "Dividers", "Deck Clock", "Barometer"},
     1500,
     99000},
    {"media/courses",
     "media",
     {"Knot Course", "Baking Course", "Sourdough Guide", "Watercolour Course", "Tide Tables",
      "Star Atlas"},
     500,
     6500}};
constexpr std::string_view makes[] = {"Harbour",   "Norrland", "Atelier Minho", "Kestrel",
                                      "Old Mole",  "Fjord",    "Quinta",        "Blackwater",
                                      "Saltmarsh", "Petrel"};
constexpr std::string_view styles[] = {"Classic", "Compact", "Hand-made",   "Heavy-duty", "Light",
                                       "Matte",   "Travel",  "Traditional", "Workshop",   "Wide"};
constexpr std::string_view shops[] = {"harbour", "old-town", "station"};
constexpr std::string_view tags[] = {"new", "sale", "gift", "eco", "bestseller", "last-pieces"};
constexpr std::string_view materials[] = {"steel", "oak", "linen", "brass", "recycled", "ceramic"};

template <typename... Parts>
std::string join(const Parts&... parts) {
  std::string joined;
  (joined.append(parts), ...);
  return joined;
}

// The accents that names and titles here bring along; others become hyphens in a slug.
std::string without_accents(std::string_view text) {
  constexpr std::pair<std::string_view, char> letters[] = {
      {"á", 'a'}, {"à", 'a'}, {"â", 'a'}, {"ã", 'a'}, {"ä", 'a'}, {"å", 'a'}, {"ç", 'c'},
      {"é", 'e'}, {"è", 'e'}, {"ê", 'e'}, {"ë", 'e'}, {"í", 'i'}, {"ı", 'i'}, {"ñ", 'n'},
      {"ó", 'o'}, {"ô", 'o'}, {"õ", 'o'}, {"ö", 'o'}, {"ú", 'u'}, {"û", 'u'}, {"ü", 'u'}};
  std::string result;
  while (!text.empty()) {
    const auto* const found = std::find_if(std::begin(letters), std::end(letters), [&](auto& pair) {
      return text.starts_with(pair.first);
    });
    result += found == std::end(letters) ? text.front() : found->second;
    text.remove_prefix(found == std::end(letters) ? 1 : found->first.size());
  }
  return result;
}

std::string digits(Dice& dice, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += static_cast<char>('0' + dice.roll(10));
  return result;
}

std::string bytes(Dice& dice, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += static_cast<char>(dice.roll(256));
  return result;
}

double nearby(Dice& dice, double degrees) {
  return std::round(degrees * 1e5 + double(dice.roll(1000))) / 1e5;
}

v1::Address seed_address(Dice& dice, v1::Address::Kind kind) {
  const City& city = dice.pick(cities);
  v1::Address address;
  address.set_kind(kind);
  address.add_lines(join(city.street, " ", std::to_string(1 + dice.roll(180))));
  if (dice.chance(20)) address.add_lines(join("c/o ", dice.pick(family_names)));
  address.set_city(std::string(city.name));
  address.set_postal_code(join(city.postal_prefix, digits(dice, 3)));
  address.set_country(std::string(city.country));
  address.mutable_location()->set_latitude(nearby(dice, city.latitude));
  address.mutable_location()->set_longitude(nearby(dice, city.longitude));
  return address;
}

void set_account(Dice& dice, std::string_view family, v1::User& user) {
  if (dice.chance(12)) {
    user.mutable_company()->set_legal_name(join(family, " & Partners"));
    user.mutable_company()->set_vat_number(join("EU", digits(dice, 9)));
    return;
  }
  auto* birthday = user.mutable_person()->mutable_birthday();
  birthday->set_year(static_cast<int32_t>(1945 + dice.roll(60)));
  birthday->set_month(static_cast<int32_t>(1 + dice.roll(12)));
  birthday->set_day(static_cast<int32_t>(1 + dice.roll(28)));
  const auto first = static_cast<size_t>(dice.roll(std::size(interests)));
  for (int64_t i = 0, count = dice.roll(4); i < count; ++i) {
    user.mutable_person()->add_interests(
        std::string(interests[(first + static_cast<size_t>(i)) % std::size(interests)]));
  }
}

void set_delivery(Dice& dice, const Shelf& shelf, v1::Product& product) {
  if (shelf.family == "media") {
    product.mutable_download()->set_media_type(dice.chance(50) ? "application/pdf" : "video/mp4");
    product.mutable_download()->set_size_bytes(1'000'000 + dice.roll(6'000'000'000));
    product.mutable_download()->set_sha256(bytes(dice, 32));
    return;
  }
  product.mutable_parcel()->set_weight_grams(static_cast<uint32_t>(20 + dice.roll(8000)));
  product.mutable_parcel()->set_fragile(dice.chance(25));
  auto* size = product.mutable_parcel()->mutable_size();
  size->set_width_cm(float(2 + dice.roll(80)) / 2);
  size->set_height_cm(float(2 + dice.roll(60)) / 2);
  size->set_depth_cm(float(2 + dice.roll(40)) / 2);
}

void add_variants(Dice& dice, v1::Product& product) {
  constexpr std::string_view colours[] = {"sea", "sand", "rust", "slate"};
  const auto first = static_cast<size_t>(dice.roll(4));
  for (int64_t i = 0, count = dice.roll(4); i < count; ++i) {
    const auto colour = colours[(first + static_cast<size_t>(i)) % 4];
    auto* variant = product.add_variants();
    variant->set_sku(join(std::to_string(product.product_id()), "-", colour));
    (*variant->mutable_options())["colour"] = std::string(colour);
    if (dice.chance(30)) {
      variant->set_price_change_cents(static_cast<int32_t>(dice.roll(800) - 300));
    }
  }
}

google::type::Money in_dollars(int64_t cents) {
  auto money = euros(cents * 109 / 100);
  money.set_currency_code("USD");
  return money;
}

// How an order went: its statuses with the minutes between them.
void add_history(Dice& dice, int64_t placed_ms, v1::Order& order) {
  const int64_t outcome = dice.roll(100);
  const bool cancelled = outcome < 6;
  const bool open = outcome >= 6 && outcome < 10;
  const int last = cancelled || open ? v1::PAID : outcome < 14 ? v1::SHIPPED : v1::DELIVERED;
  int64_t time_ms = placed_ms;
  const auto add = [&](v1::OrderStatus status) {
    auto* change = order.add_history();
    change->set_status(status);
    *change->mutable_time() = timestamp(time_ms);
    order.set_status(status);
    time_ms += (5 + dice.roll(1500)) * minute_ms;
  };
  for (int status = v1::PLACED; status <= last; ++status) add(static_cast<v1::OrderStatus>(status));
  if (cancelled) {
    add(v1::CANCELLED);
    order.mutable_history()->rbegin()->set_reason("CHANGED_MIND");
  }
}

void set_payment(Dice& dice, v1::Order& order) {
  if (dice.chance(70)) {
    order.mutable_card()->set_last_digits(digits(dice, 4));
    order.mutable_card()->set_authorization(bytes(dice, 12));
  } else if (dice.chance(80)) {
    order.mutable_invoice()->set_reference("R" + digits(dice, 8));
    order.mutable_invoice()->mutable_due()->set_seconds(14 * day_ms / 1000);
  } else {
    order.set_voucher("GIFT-" + digits(dice, 6));
  }
}

void set_shipping(const v1::User& user, v1::Order& order) {
  const auto& home = user.addresses(0);
  auto* address = order.mutable_shipping_address();
  address->set_recipient(user.display_name());
  *address->mutable_lines() = home.lines();
  address->set_city(home.city());
  address->set_postal_code(home.postal_code());
  address->set_country(home.country());
}

}  // namespace

std::string slug(std::string_view title) {
  std::string result;
  for (const char c : without_accents(title)) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) {
      result += static_cast<char>(std::tolower(letter));
    } else if (!result.empty() && result.back() != '-') {
      result += '-';
    }
  }
  while (!result.empty() && result.back() == '-') result.pop_back();
  return result.empty() ? "item" : result;
}

v1::User seed_user(int64_t user_id) {
  Dice dice('u', user_id);
  const auto given = dice.pick(given_names);
  const auto family = dice.pick(family_names);
  v1::User user;
  user.set_user_id(user_id);
  user.set_display_name(join(given, " ", family));
  user.set_full_name(user.display_name());
  user.set_email(
      join(slug(given), ".", slug(family), ".", std::to_string(user_id), "@mail.example"));
  if (dice.chance(70)) user.set_phone("+3519" + digits(dice, 4) + std::to_string(1000 + user_id));
  const int64_t luck = dice.roll(100);
  user.set_tier(luck < 70 ? v1::TIER_BASIC : luck < 93 ? v1::TIER_SILVER : v1::TIER_GOLD);
  set_account(dice, family, user);
  *user.add_addresses() = seed_address(dice, v1::Address::HOME);
  if (dice.chance(35)) *user.add_addresses() = seed_address(dice, v1::Address::WORK);
  (*user.mutable_labels())["language"] = dice.chance(60) ? "en" : "pt";
  if (dice.chance(25)) (*user.mutable_labels())["segment"] = dice.chance(50) ? "loyal" : "new";
  if (dice.chance(60)) user.mutable_newsletter()->set_value(dice.chance(55));
  const int64_t created_ms = opening_day_ms + user_id * 7 * 60 * minute_ms;
  *user.mutable_create_time() = timestamp(created_ms);
  *user.mutable_update_time() = timestamp(created_ms + dice.roll(90) * day_ms);
  user.set_etag(join("u", std::to_string(user_id), "-1"));
  return user;
}

v1::Product seed_product(int64_t product_id) {
  Dice dice('p', product_id);
  const Shelf& shelf = dice.pick(shelves);
  const auto noun = dice.pick(shelf.nouns);
  const auto make = dice.pick(makes);
  v1::Product product;
  product.set_product_id(product_id);
  product.set_title(join(make, " ", dice.pick(styles), " ", noun));
  product.set_name(join("shops/", dice.pick(shops), "/items/", shelf.category, "/",
                        slug(product.title()), "-", std::to_string(product_id)));
  product.set_description(join(noun, " by ", make, ". Made to be used every day, and repaired."));
  const int64_t price = shelf.cents_min + dice.roll(shelf.cents_max - shelf.cents_min);
  const int64_t rounded = price < 2000 ? price / 10 * 10 : price / 100 * 100 + 90;
  *product.mutable_price() = euros(rounded);
  product.set_price_cents(rounded);
  if (dice.chance(50)) (*product.mutable_foreign_prices())["USD"] = in_dollars(rounded);
  product.set_unit(shelf.category == "garden/seeds" ? v1::GRAM : v1::PIECE);
  set_delivery(dice, shelf, product);
  add_variants(dice, product);
  for (const auto tag : tags) {
    if (dice.chance(15)) product.add_tags(std::string(tag));
  }
  auto& attributes = *product.mutable_attributes()->mutable_fields();
  attributes["material"].set_string_value(std::string(dice.pick(materials)));
  attributes["handmade"].set_bool_value(dice.chance(30));
  product.set_stock(dice.chance(4) ? 0 : static_cast<int32_t>(1 + dice.roll(400)));
  if (dice.chance(80)) product.set_rating(double(20 + dice.roll(31)) / 10);
  product.set_sold_count(static_cast<uint64_t>(dice.roll(3000)));
  if (dice.chance(40)) {
    product.mutable_warranty()->set_seconds((1 + dice.roll(5)) * 365 * day_ms / 1000);
  }
  if (shelf.category == "kitchen/knives") product.mutable_age_limit()->set_value(18);
  const int64_t created_ms = opening_day_ms + product_id * 45 * minute_ms;
  *product.mutable_create_time() = timestamp(created_ms);
  *product.mutable_update_time() = timestamp(created_ms + dice.roll(60) * day_ms);
  product.set_etag(join("p", std::to_string(product_id), "-1"));
  return product;
}

v1::Order seed_order(int64_t order_id) {
  Dice dice('o', order_id);
  v1::Order order;
  order.set_order_id(order_id);
  order.set_user_id(1 + dice.roll(user_count));
  int64_t total = 0;
  for (int64_t i = 0, count = 1 + dice.roll(4); i < count; ++i) {
    const auto product = seed_product(1 + dice.roll(product_count));
    auto* line = order.add_lines();
    line->set_product_id(product.product_id());
    line->set_quantity(static_cast<int32_t>(1 + dice.roll(3)));
    line->set_title(product.title());
    *line->mutable_price() = product.price();
    total += product.price_cents() * line->quantity();
    if (dice.chance(5)) (*order.mutable_line_notes())[product.product_id()] = "wrap it well";
  }
  *order.mutable_total() = euros(total);
  order.set_total_cents(total);
  set_payment(dice, order);
  set_shipping(seed_user(order.user_id()), order);
  if (dice.chance(8)) order.set_gift_message("Happy birthday!");
  order.mutable_delivery_estimate()->set_seconds((1 + dice.roll(5)) * day_ms / 1000);
  const int64_t placed_ms = opening_day_ms + 300 * day_ms + order_id * 83 * minute_ms;
  add_history(dice, placed_ms, order);
  *order.mutable_create_time() = timestamp(placed_ms);
  *order.mutable_update_time() = order.history().rbegin()->time();
  order.set_etag(join("o", std::to_string(order_id), "-1"));
  return order;
}

std::string drawing(const v1::Product& product) {
  const auto hue = std::to_string(product.product_id() * 47 % 360);
  return join(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 320 200\">"
      "<rect width=\"320\" height=\"200\" fill=\"hsl(",
      hue,
      ",45%,85%)\"/>"
      "<circle cx=\"160\" cy=\"90\" r=\"56\" fill=\"hsl(",
      hue,
      ",45%,45%)\"/>"
      "<text x=\"160\" y=\"180\" text-anchor=\"middle\" font-family=\"sans-serif\">No. ",
      std::to_string(product.product_id()), "</text></svg>\n");
}

}  // namespace shop
