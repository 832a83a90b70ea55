#pragma once

namespace parley::contract {

// libprotobuf writes what it dislikes to stderr; all that matters is a `Problem` instead. Call it
// before handing bytes or text to libprotobuf; any thread, any number of times.
void silence_protobuf();

}  // namespace parley::contract
