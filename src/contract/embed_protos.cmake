# cmake -DROOT=DIR -DOUTPUT=FILE.cc -P embed_protos.cmake: every .proto below ROOT, as a table of
# names and texts that builtin_protos.cc reads.
file(GLOB_RECURSE protos RELATIVE "${ROOT}" "${ROOT}/*.proto")
list(SORT protos)
set(table "#include \"contract/builtin_protos.h\"\n\nnamespace parley::contract::detail {\n\n")
string(APPEND table "const BuiltinText kBuiltinTexts[] = {\n")
foreach(proto IN LISTS protos)
  file(READ "${ROOT}/${proto}" text)
  string(APPEND table "    {\"${proto}\", R\"~proto~(${text})~proto~\"},\n")
endforeach()
string(APPEND table "};\nconst size_t kBuiltinTextCount = sizeof kBuiltinTexts / sizeof *kBuiltinTexts;\n\n")
string(APPEND table "}  // namespace parley::contract::detail\n")
file(WRITE "${OUTPUT}" "${table}")
