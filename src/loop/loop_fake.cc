#include "loop/loop_fake.h"

#include <algorithm>

namespace parley::loop {

void FakeLoop::advance(Duration by) {
  loop.run_until_idle();
  const Instant end = clock.now() + by;
  while (clock.now() < end) {
    const Instant next = std::clamp(loop.next_timer(), clock.now() + Duration(1), end);
    clock.advance(next - clock.now());
    loop.run_until_idle();
  }
}

}  // namespace parley::loop
