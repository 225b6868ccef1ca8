# SPDX-License-Identifier: Apache-2.0
# What the native and the target build share: warnings, the generated config.hpp, source lists.

set(PLINTH_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Werror)
# The same bytes wherever the repository lies; paths in debug information stay, for gdb.
add_compile_options(-fmacro-prefix-map=${PROJECT_SOURCE_DIR}=.)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# plinth_config(DIR): writes DIR/config.hpp from the switches that are set in the caller's scope.
function(plinth_config directory)
    set(plinth_test_key false)
    if(PLINTH_TEST_KEY)
        set(plinth_test_key true)
    endif()
    set(plinth_test_unprotected false)
    if(PLINTH_TEST_UNPROTECTED)
        set(plinth_test_unprotected true)
    endif()
    if(NOT PLINTH_PMP_LIMIT MATCHES "^[0-9]+$")
        message(FATAL_ERROR
            "PLINTH_PMP_LIMIT is '${PLINTH_PMP_LIMIT}': a number is needed (0 = all entries)")
    endif()
    configure_file(${PROJECT_SOURCE_DIR}/src/config.hpp.in ${directory}/config.hpp @ONLY)
endfunction()

# plinth_sources(VARIABLE PATTERN...): the files that match, found again at each build.
function(plinth_sources variable)
    set(found)
    foreach(pattern IN LISTS ARGN)
        file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${pattern})
        list(APPEND found ${files})
    endforeach()
    list(REMOVE_DUPLICATES found)
    set(${variable} ${found} PARENT_SCOPE)
endfunction()
