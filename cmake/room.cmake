# Tests run once and are compiled anew in every fresh clone: without optimisation that takes a third less. What they test
# is optimised as it is shipped.
function(slipway_test_options name)
  target_compile_options(${name} PRIVATE -O0)
endfunction()

# slipway_room(NAME [ROOMS room...] [LIBRARIES target...] [PRIVATE_LIBRARIES target...])
#
# Makes the static library slipway_NAME from every .cc below the current folder, and the test program NAME_test from
# every *_test.cc. ROOMS are the rooms that this one may include: tools/check-rooms holds the real includes against
# tools/rooms.txt. Include paths start at src/, so a header is named by its room: "base/result.h".
function(slipway_room name)
  cmake_parse_arguments(ARG "" "" "ROOMS;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")

  set(rooms)
  foreach(room ${ARG_ROOMS})
    list(APPEND rooms slipway_${room})
  endforeach()

  # CMake refuses a library without sources; a room may have headers alone for a while.
  if(NOT sources)
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty_room.cc)
    file(WRITE ${sources} "")
  endif()
  add_library(slipway_${name} STATIC ${sources})
  target_include_directories(slipway_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(slipway_${name} PUBLIC ${rooms} ${ARG_LIBRARIES} PRIVATE ${ARG_PRIVATE_LIBRARIES})

  if(tests AND NOT SLIPWAY_FUZZ)
    add_executable(${name}_test ${tests})
    slipway_test_options(${name}_test)
    target_link_libraries(${name}_test PRIVATE slipway_${name} ${ARG_PRIVATE_LIBRARIES} source_folder GTest::gtest GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES LABELS fast TIMEOUT 120)
  endif()
endfunction()
