import unittest

from gateway import profile

SCRIPT = """\
parley
\t          4c1f00 parley::http::Http2Core::receive(parley::Bytes const&) (/build/release/parley)
\t          4c1000 parley::http::Http2Server::run(parley::Bytes) (/build/release/parley)

parley
\tffffffff81a0 tcp_sendmsg_locked ([kernel.kallsyms])
\tffffffff81b0 __x64_sys_writev ([kernel.kallsyms])
\t      7f001 writev (/usr/lib/x86_64-linux-gnu/libc.so.6)

parley
\tffffffff81c0 asm_sysvec_apic_timer_interrupt ([kernel.kallsyms])

parley
\t      7f0a1 [unknown] (/usr/lib/x86_64-linux-gnu/libnghttp2.so.14.24.1)
"""


class Profile(unittest.TestCase):
    def test_counts_a_sample_by_its_innermost_function(self):
        parts = profile.count_parts(SCRIPT.splitlines())
        self.assertEqual(parts, {
            "HTTP/2, around nghttp2": 1,
            "kernel: writev": 1,
            "kernel: interrupts, scheduling": 1,
            "HTTP/2 frames, HPACK (nghttp2)": 1,
        })

    def test_shares_out_the_cpu_time_of_a_request(self):
        result = profile.Result("grpc", cpu_us=8.0)
        result.samples.update({"loop": 1, "http": 3})
        self.assertEqual(result.rows(), [("http", 6.0), ("loop", 2.0)])


if __name__ == "__main__":
    unittest.main()
