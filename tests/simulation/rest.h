#pragma once

#include <string>
#include <string_view>

#include "simulation/ledger.h"

namespace parley::simulation {

// A call as a REST request, of either version of HTTP.
struct RestRequest {
  std::string verb;
  std::string target;
  std::string body;  // JSON; empty: none
};
RestRequest rest_request(const CallPlan& plan);

// Reads a whole answer; what is wrong with it as text, else empty.
std::string read_rest_answer(const CallPlan& plan, uint16_t status, std::string_view content_type,
                             std::string_view body, Answer& answer);

}  // namespace parley::simulation
