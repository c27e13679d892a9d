# Tests of the house itself rather than of one room.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(tools ${PROJECT_SOURCE_DIR}/tools)

add_test(NAME house/layers COMMAND Python3::Interpreter ${tools}/check_layers.py ${PROJECT_SOURCE_DIR}
                                   ${PROJECT_BINARY_DIR}/layers.txt)
foreach(test check_layers_test)
  add_test(NAME house/${test} COMMAND Python3::Interpreter -B ${tools}/${test}.py)
endforeach()
add_test(NAME house/dev_test COMMAND bash ${tools}/dev_test.sh ${PROJECT_SOURCE_DIR})
add_test(NAME house/wasm-compile COMMAND Python3::Interpreter ${tools}/check_wasm.py ${PROJECT_SOURCE_DIR})
set_tests_properties(house/wasm-compile house/dev_test PROPERTIES SKIP_RETURN_CODE 77)

# Every header compiles alone. Where thing.cpp begins with thing.h, building it has shown that; for the others the test
# builds one generated source each.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} prism/*.h apps/*.h)
set(header_sources "")
foreach(header IN LISTS headers)
  string(REGEX REPLACE "\\.h$" ".cpp" own_source ${PROJECT_SOURCE_DIR}/${header})
  if(EXISTS ${own_source})
    file(STRINGS ${own_source} first_include LIMIT_COUNT 1 REGEX "^#include")
    if(first_include STREQUAL "#include \"${header}\"")
      continue()
    endif()
  endif()
  set(source ${PROJECT_BINARY_DIR}/headers/${header}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n#include \"${header}\"  // and twice\n")
  list(APPEND header_sources ${source})
  if(header MATCHES "/avx2/")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mbmi2")
  elseif(header MATCHES "/avx512ifma/")
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
      "-mavx2;-mfma;-mbmi2;-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mavx512vbmi;-mavx512ifma")
  endif()
endforeach()
add_library(header_check OBJECT EXCLUDE_FROM_ALL ${header_sources})
target_include_directories(header_check PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(header_check PRIVATE -O0 -g0 -Wno-unused-function)
add_test(NAME house/headers COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target header_check -- --quiet -k0)
set_tests_properties(house/headers PROPERTIES TIMEOUT 900)

# The installed package, used from outside the tree. Needs everything that is installed to be built.
add_test(NAME house/install COMMAND Python3::Interpreter -B ${tools}/install_test.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
                                    ${CMAKE_CXX_COMPILER} ${CMAKE_CXX_FLAGS})
set_tests_properties(house/install PROPERTIES TIMEOUT 600)
add_test(NAME house/quotes COMMAND Python3::Interpreter -B ${tools}/check_quotes.py ${PROJECT_SOURCE_DIR})
