# SPDX-License-Identifier: Apache-2.0
# mbedTLS' core subset and, for the native tests, libfdt from the sources that scripts/setup fetched. Only what is
# referenced gets linked, and the configuration header decides what a file contains. Third-party C
# has no -Werror.

# plinth_third_party_dir(VARIABLE PATTERN PROBE): the newest directory in the cache that matches.
function(plinth_third_party_dir variable pattern probe)
    if("${${variable}}" STREQUAL "")
        file(GLOB candidates LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/build/cache/${pattern})
        list(SORT candidates COMPARE NATURAL ORDER DESCENDING)
        foreach(candidate IN LISTS candidates)
            if(EXISTS ${candidate}/${probe})
                set(${variable} ${candidate} PARENT_SCOPE)
                return()
            endif()
        endforeach()
        message(FATAL_ERROR
            "build/cache/${pattern} is missing: run scripts/setup, or set ${variable}")
    elseif(NOT EXISTS "${${variable}}/${probe}")
        message(FATAL_ERROR "${variable}=${${variable}} has no ${probe}")
    endif()
endfunction()

plinth_third_party_dir(MBEDTLS_SOURCE_DIR "mbedtls-*" library/sha3.c)

set(plinth_mbedtls_files
    asn1parse asn1write bignum bignum_core constant_time ecdsa ecp ecp_curves
    ecp_curves_new hkdf hmac_drbg md memory_buffer_alloc platform platform_util sha256 sha3 sha512)
list(TRANSFORM plinth_mbedtls_files PREPEND ${MBEDTLS_SOURCE_DIR}/library/)
list(TRANSFORM plinth_mbedtls_files APPEND .c)
file(GLOB plinth_mbedtls_config CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/attest/mbedtls_config.h)
if(plinth_mbedtls_config)
    add_library(mbedtls STATIC ${plinth_mbedtls_files})
    target_include_directories(mbedtls SYSTEM PUBLIC ${MBEDTLS_SOURCE_DIR}/include)
    target_include_directories(mbedtls PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(mbedtls PUBLIC MBEDTLS_CONFIG_FILE="attest/mbedtls_config.h")
    target_compile_options(mbedtls PRIVATE -w)
else()
    add_library(mbedtls INTERFACE)
    target_include_directories(mbedtls SYSTEM INTERFACE ${MBEDTLS_SOURCE_DIR}/include)
endif()

# What the native tests build device trees with, and read what became of them.
if(PLINTH_BOARD STREQUAL "native")
    plinth_third_party_dir(DTC_SOURCE_DIR "dtc-*" libfdt/libfdt.h)
    add_library(fdt STATIC
        ${DTC_SOURCE_DIR}/libfdt/fdt.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_addresses.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_check.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_empty_tree.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_ro.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_rw.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_strerror.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_sw.c
        ${DTC_SOURCE_DIR}/libfdt/fdt_wip.c)
    target_include_directories(fdt SYSTEM PUBLIC ${DTC_SOURCE_DIR}/libfdt)
    target_compile_options(fdt PRIVATE -w)
endif()
if(NOT PLINTH_BOARD STREQUAL "native" AND plinth_mbedtls_config)
    target_compile_options(mbedtls PRIVATE
        -fstack-protector-strong -mstack-protector-guard=global)
endif()
