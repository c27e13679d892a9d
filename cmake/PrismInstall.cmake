# cmake --install: the program, and the engine as a package for find_package(Prism CONFIG COMPONENTS fhe) and pkg-config.
#
# Only the engine's rooms are installed: up to fhe, and host for the system's randomness. Headers of internal/ stay here; the
# test house/install builds the examples with nothing but what is installed. `ninja uninstall` removes what the last install
# wrote and nothing else.
include(CMakePackageConfigHelpers)

set(prism_rooms base secret kernels hash wire host math ring rlwe exact ckks circuits fhe)
set(prism_config ${CMAKE_INSTALL_LIBDIR}/cmake/Prism)
foreach(room IN LISTS prism_rooms)
  set_target_properties(prism_${room} PROPERTIES EXPORT_NAME ${room})
  install(TARGETS prism_${room} EXPORT PrismTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT engine)
  install(DIRECTORY prism/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/prism COMPONENT engine
          FILES_MATCHING PATTERN "*.h"
          PATTERN internal EXCLUDE PATTERN portable EXCLUDE PATTERN avx2 EXCLUDE PATTERN avx512ifma EXCLUDE PATTERN shani EXCLUDE)
endforeach()
install(EXPORT PrismTargets NAMESPACE Prism:: DESTINATION ${prism_config} COMPONENT engine)
configure_package_config_file(cmake/PrismConfig.cmake.in ${PROJECT_BINARY_DIR}/PrismConfig.cmake
                              INSTALL_DESTINATION ${prism_config})
# Before 1.0 a minor version may break things.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/PrismConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/PrismConfig.cmake ${PROJECT_BINARY_DIR}/PrismConfigVersion.cmake
        DESTINATION ${prism_config} COMPONENT engine)

# Linkers read static libraries from left to right: what is used stands after what uses it.
set(prism_libraries "")
foreach(room IN LISTS prism_rooms)
  string(PREPEND prism_libraries "-lprism_${room} ")
endforeach()
file(RELATIVE_PATH prism_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # a package that was moved still works
configure_file(cmake/prism.pc.in ${PROJECT_BINARY_DIR}/prism.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/prism.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT engine)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT engine)
# Libraries that ./dev made or fetched go along with the program, in a folder that nobody else's programs look into.
set(prism_private_files "")
if(OPENSSL_ROOT_DIR STREQUAL ${PROJECT_SOURCE_DIR}/build/openssl)
  list(APPEND prism_private_files ${OPENSSL_ROOT_DIR}/lib/libcrypto.so.3 ${OPENSSL_ROOT_DIR}/lib/libssl.so.3)
endif()
if(DUCKDB_LIBRARY STREQUAL ${PROJECT_SOURCE_DIR}/build/duckdb/lib/libduckdb.so)
  list(APPEND prism_private_files ${DUCKDB_LIBRARY})
endif()
if(prism_private_files)
  set(prism_private_libraries ${CMAKE_INSTALL_LIBDIR}/prism)
  install(FILES ${prism_private_files} DESTINATION ${prism_private_libraries} COMPONENT program)
  file(RELATIVE_PATH prism_libraries_from_bin /${CMAKE_INSTALL_BINDIR} /${prism_private_libraries})
  set_target_properties(prism PROPERTIES INSTALL_RPATH "$ORIGIN/${prism_libraries_from_bin}")
endif()
install(TARGETS prism RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)

add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -P
                                    ${PROJECT_SOURCE_DIR}/cmake/PrismUninstall.cmake VERBATIM)
