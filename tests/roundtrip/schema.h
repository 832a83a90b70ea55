#pragma once

#include <string>

#include <google/protobuf/descriptor.pb.h>

#include "simulation/draw.h"

namespace parley::roundtrip {

// A file of messages with all kinds of fields: every scalar, lists packed and not, maps, oneofs,
// enums open and closed, groups, recursion, well-known types. The root is the message "r.M0".
google::protobuf::FileDescriptorProto draw_schema(simulation::Draw& draw);

}  // namespace parley::roundtrip
