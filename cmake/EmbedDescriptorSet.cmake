# cmake -DINPUT=FILE -DOUTPUT=FILE.cc -DNAMESPACE=a::b -DNAME=f -P EmbedDescriptorSet.cmake: a source
# that defines std::string_view a::b::f(), the bytes of INPUT.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include <string_view>

namespace ${NAMESPACE} {
namespace {
constexpr char kBytes[] = {
${bytes}
};
}  // namespace
std::string_view ${NAME}() { return {kBytes, sizeof kBytes}; }
}  // namespace ${NAMESPACE}
")
