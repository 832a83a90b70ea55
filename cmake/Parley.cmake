# parley_folder(NAME INCLUDES a b ... LIBRARIES x y ...): one folder of src/ as one library `parley_NAME`.
# Beside it, where the files exist: `NAME_test` from *_test.cc (every test is known to ctest) and one
# `FILE_fuzz` per FILE_fuzz.cc. *_fake.h/.cc are test doubles: library `parley_NAME_fake`.
include(GoogleTest)
find_package(Threads REQUIRED)

add_library(parley_warnings INTERFACE)
target_compile_options(parley_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Wunused-result -Wno-missing-field-initializers)
target_include_directories(parley_warnings INTERFACE "${PROJECT_SOURCE_DIR}/src")

function(parley_folder name)
  cmake_parse_arguments(arg "" "" "INCLUDES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc */*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  set(fakes ${sources})
  list(FILTER fakes INCLUDE REGEX "_fake\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|_fake|_bench|/main)\\.cc$")

  list(TRANSFORM arg_INCLUDES PREPEND parley_)
  if(sources)
    add_library(parley_${name} STATIC ${sources})
    target_link_libraries(parley_${name} PUBLIC ${arg_INCLUDES} ${arg_LIBRARIES} Threads::Threads PRIVATE parley_warnings)
    target_include_directories(parley_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
  else()
    add_library(parley_${name} INTERFACE)
    target_link_libraries(parley_${name} INTERFACE ${arg_INCLUDES} ${arg_LIBRARIES} Threads::Threads)
    target_include_directories(parley_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src")
  endif()

  if(PARLEY_TESTS AND fakes)
    add_library(parley_${name}_fake STATIC ${fakes})
    target_link_libraries(parley_${name}_fake PUBLIC parley_${name} PRIVATE parley_warnings)
  elseif(PARLEY_TESTS)
    add_library(parley_${name}_fake INTERFACE)
    target_link_libraries(parley_${name}_fake INTERFACE parley_${name})
  endif()
  if(PARLEY_TESTS)
    foreach(included ${arg_INCLUDES})
      if(fakes)
        target_link_libraries(parley_${name}_fake PUBLIC ${included}_fake)
      else()
        target_link_libraries(parley_${name}_fake INTERFACE ${included}_fake)
      endif()
    endforeach()
  endif()
  if(PARLEY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE parley_${name}_fake parley_warnings GTest::gtest GTest::gtest_main)
    gtest_discover_tests(${name}_test WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT 120)
  endif()
  if(PARLEY_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      get_filename_component(folder ${fuzzer} DIRECTORY)
      add_executable(${target} ${fuzzer})
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${target} PRIVATE parley_${name}_fake parley_warnings)
      # The smoke run: the seeds, then a bounded number of mutations from a fixed seed.
      add_test(NAME fuzz.${target}
        COMMAND ${PROJECT_SOURCE_DIR}/tools/fuzz-smoke $<TARGET_FILE:${target}> ${folder}/testdata/${target}
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
      set_tests_properties(fuzz.${target} PROPERTIES TIMEOUT 180)
    endforeach()
  endif()
endfunction()

# parley_embed_contract(FOLDER NAME protos...): .proto files of this repository's proto/ or of
# protoc's own, compiled when Parley is built; `std::string_view NAME()` in the folder's namespace is
# their descriptor set. Whoever uses it
# declares it.
function(parley_embed_contract folder name)
  find_program(PARLEY_PROTOC protoc REQUIRED)
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${name}")
  set(script "${PROJECT_SOURCE_DIR}/cmake/EmbedDescriptorSet.cmake")
  file(GLOB_RECURSE protos CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/proto/*.proto")
  add_custom_command(
    OUTPUT "${output}.cc"
    COMMAND ${PARLEY_PROTOC} -I${PROJECT_SOURCE_DIR}/proto --include_imports
      --descriptor_set_out=${output}.binpb ${ARGN}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${output}.binpb -DOUTPUT=${output}.cc
      -DNAMESPACE=parley::${folder} -DNAME=${name} -P ${script}
    DEPENDS ${protos} ${script}
    VERBATIM)
  target_sources(parley_${folder} PRIVATE "${output}.cc")
endfunction()
