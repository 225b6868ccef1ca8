# SPDX-License-Identifier: Apache-2.0
# The native build: the monitor's core on the fake hart under ASan and UBSan, and the plinth-attest
# tool.

find_package(GTest REQUIRED)
include(GoogleTest)

# scripts/coverage and scripts/mutants build without: there only the tests' verdict counts.
option(PLINTH_SANITIZERS "build the native tests with ASan and UBSan" ON)
set(PLINTH_SANITIZE)
if(PLINTH_SANITIZERS)
    set(PLINTH_SANITIZE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
plinth_config(${PROJECT_BINARY_DIR}/generated)

set(plinth_core_includes
    ${PROJECT_SOURCE_DIR}/src
    ${PROJECT_SOURCE_DIR}/tests/fake
    ${PROJECT_SOURCE_DIR}/tests/fake/platform
    ${PROJECT_BINARY_DIR}/generated)

# plinth_native_library(NAME FILE...): sources of the monitor with its warnings, under the
# sanitizers.
function(plinth_native_library name)
    set(scope PUBLIC)
    if("${ARGN}" STREQUAL "")
        set(scope INTERFACE)
        add_library(${name} INTERFACE)
    else()
        add_library(${name} STATIC ${ARGN})
        target_compile_options(${name} PRIVATE ${PLINTH_WARNINGS} -fstack-protector-strong)
    endif()
    target_include_directories(${name} ${scope} ${plinth_core_includes})
    target_compile_definitions(${name} ${scope} _GLIBCXX_ASSERTIONS)
    target_compile_options(${name} ${scope} ${PLINTH_SANITIZE})
    target_link_options(${name} ${scope} ${PLINTH_SANITIZE})
    target_link_libraries(${name} ${scope} mbedtls)
endfunction()

# Everything in src/ but the machine itself, the entry point and the C library's bodies. What knows
# no hart (base, attest) is a library of its own.
plinth_sources(plinth_bytes_sources "src/base/*.cpp" "src/attest/*.cpp")
list(FILTER plinth_bytes_sources EXCLUDE REGEX "/src/base/cstring\\.cpp$")
plinth_sources(plinth_core_sources "src/*.cpp")
list(FILTER plinth_core_sources EXCLUDE REGEX "/src/(base/|attest/|arch/metal/|main\\.cpp$)")
plinth_native_library(plinth_bytes ${plinth_bytes_sources})
plinth_native_library(plinth_core ${plinth_core_sources})
# With these checks g++ compares no function pointer with null in a constant expression, as the CSR
# table's static_assert does. AddressSanitizer finds null accesses, too.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/monitor/virtual_csrs.cpp PROPERTIES
    COMPILE_OPTIONS "-fno-sanitize=null,nonnull-attribute,returns-nonnull-attribute")

# The tool people install: the same attestation sources, compiled without sanitizers.
plinth_sources(plinth_attest_tool "tools/plinth-attest/*.cpp")
if(plinth_attest_tool)
    add_executable(plinth-attest ${plinth_attest_tool} ${plinth_bytes_sources})
    target_include_directories(plinth-attest PRIVATE
        ${PROJECT_SOURCE_DIR}/src
        ${PROJECT_SOURCE_DIR}/tools/plinth-attest
        ${PROJECT_BINARY_DIR}/generated)
    target_compile_options(plinth-attest PRIVATE ${PLINTH_WARNINGS} -fstack-protector-strong)
    target_compile_definitions(plinth-attest PRIVATE _GLIBCXX_ASSERTIONS)
    target_link_libraries(plinth-attest PRIVATE mbedtls)
    set_target_properties(plinth-attest PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endif()
