# SPDX-License-Identifier: Apache-2.0
# The monitor's image for a board: plinth.elf, plinth.bin, plinth.sha3, plinth-opensbi.bin.

set(plinth_board_dir ${PROJECT_SOURCE_DIR}/platform/${PLINTH_BOARD})
if(NOT IS_DIRECTORY ${plinth_board_dir})
    message(WARNING "platform/${PLINTH_BOARD} does not exist")
endif()

if(FIRMWARE STREQUAL "")
    set(plinth_firmware ${PROJECT_SOURCE_DIR}/build/cache/opensbi-1.6/fw_dynamic.bin)
    if(NOT EXISTS ${plinth_firmware})
        message(FATAL_ERROR
            "build/cache/opensbi-1.6 is missing: run scripts/setup, or set FIRMWARE")
    endif()
else()
    get_filename_component(plinth_firmware "${FIRMWARE}" ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    if(NOT EXISTS ${plinth_firmware})
        message(FATAL_ERROR "FIRMWARE=${FIRMWARE} does not exist")
    endif()
endif()

plinth_sources(plinth_monitor_sources
    "src/*.cpp" "src/*.S" "platform/${PLINTH_BOARD}/*.cpp" "platform/${PLINTH_BOARD}/*.S")
list(FILTER plinth_monitor_sources EXCLUDE REGEX "/tests/")
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/base/cstring.cpp PROPERTIES
    COMPILE_OPTIONS "-fno-builtin;-fno-tree-loop-distribute-patterns;-fno-stack-protector")

# plinth_image(NAME DIRECTORY): builds DIRECTORY/plinth.* with the switches of the caller's scope.
function(plinth_image name directory)
    plinth_config(${directory}/generated)
    add_executable(${name} ${plinth_monitor_sources})
    target_include_directories(${name} PRIVATE
        ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/arch/metal ${plinth_board_dir}
        ${directory}/generated)
    target_compile_definitions(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
    target_compile_options(${name} PRIVATE
        $<$<COMPILE_LANGUAGE:CXX>:${PLINTH_WARNINGS}>
        $<$<COMPILE_LANGUAGE:CXX>:-fstack-protector-strong>
        $<$<COMPILE_LANGUAGE:CXX>:-mstack-protector-guard=global>)
    target_link_libraries(${name} PRIVATE mbedtls ${PLINTH_LIBGCC})
    set(script ${plinth_board_dir}/layout.ld)
    target_link_options(${name} PRIVATE
        -nostartfiles -static -T ${script}
        -L${plinth_board_dir} -L${PROJECT_SOURCE_DIR}/src/arch/metal
        LINKER:--gc-sections LINKER:--build-id=none LINKER:-Map=${directory}/plinth.map
        LINKER:--no-warn-rwx-segments LINKER:--fatal-warnings)
    file(GLOB scripts CONFIGURE_DEPENDS
        ${plinth_board_dir}/*.ld ${PROJECT_SOURCE_DIR}/src/arch/metal/*.ld)
    set_target_properties(${name} PROPERTIES
        OUTPUT_NAME plinth.elf RUNTIME_OUTPUT_DIRECTORY ${directory} LINK_DEPENDS "${scripts}")
    set(pack ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/pack)
    add_custom_command(OUTPUT ${directory}/plinth.bin ${directory}/plinth.sha3
        COMMAND ${CMAKE_OBJCOPY} -O binary ${directory}/plinth.elf ${directory}/plinth.bin
        COMMAND ${pack} hash ${directory}/plinth.bin ${directory}/plinth.sha3
        DEPENDS ${name} ${PROJECT_SOURCE_DIR}/scripts/pack VERBATIM)
    set(outputs ${directory}/plinth.bin ${directory}/plinth.sha3)
    if(PLINTH_BOARD STREQUAL "qemu-virt")
        set(kind --kind none)
        if(PLINTH_TEST_KEY)
            set(kind --kind test)
        endif()
        add_custom_command(OUTPUT ${directory}/plinth-opensbi.bin
            COMMAND ${pack} image ${kind} --monitor ${directory}/plinth.bin
                --firmware ${plinth_firmware} --output ${directory}/plinth-opensbi.bin
            DEPENDS ${directory}/plinth.bin ${plinth_firmware}
                ${PROJECT_SOURCE_DIR}/scripts/pack VERBATIM)
        list(APPEND outputs ${directory}/plinth-opensbi.bin)
    endif()
    add_custom_target(${name}-image ALL DEPENDS ${outputs})
endfunction()

# The shape of the tree while it grows: without a board or an entry point there is nothing to link.
set(plinth_have_monitor FALSE)
if(EXISTS ${plinth_board_dir}/layout.ld AND EXISTS ${PROJECT_SOURCE_DIR}/src/main.cpp)
    set(plinth_have_monitor TRUE)
endif()
# plinth_variant(NAME SWITCH VALUE): an image for tests under variants/NAME that differs in one
# switch. With links to what does not differ the directory is a build tree to every test.
function(plinth_variant name switch value)
    set(${switch} ${value})
    set(directory ${PROJECT_BINARY_DIR}/variants/${name})
    plinth_image(plinth-${name} ${directory})
    foreach(same payloads test-device.pub)
        file(CREATE_LINK ${PROJECT_BINARY_DIR}/${same} ${directory}/${same} SYMBOLIC)
    endforeach()
endfunction()

if(plinth_have_monitor)
    plinth_image(plinth ${PROJECT_BINARY_DIR})
    if(PLINTH_BOARD STREQUAL "qemu-virt")
        plinth_variant(unprotected PLINTH_TEST_UNPROTECTED ON)
        plinth_variant(release PLINTH_TEST_KEY OFF)
        foreach(entries 8 6) # as on harts with no more PMP entries
            plinth_variant(pmp${entries} PLINTH_PMP_LIMIT ${entries})
        endforeach()
    endif()
elseif(plinth_monitor_sources)
    message(WARNING
        "no platform/${PLINTH_BOARD}/layout.ld or src/main.cpp: it is compiled, not linked")
    plinth_config(${PROJECT_BINARY_DIR}/generated)
    add_library(plinth_objects OBJECT ${plinth_monitor_sources})
    target_include_directories(plinth_objects PRIVATE
        ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/arch/metal ${plinth_board_dir}
        ${PROJECT_BINARY_DIR}/generated)
    target_compile_definitions(plinth_objects PRIVATE
        $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
    target_compile_options(plinth_objects PRIVATE
        $<$<COMPILE_LANGUAGE:CXX>:${PLINTH_WARNINGS}>
        $<$<COMPILE_LANGUAGE:CXX>:-fstack-protector-strong>
        $<$<COMPILE_LANGUAGE:CXX>:-mstack-protector-guard=global>)
    target_link_libraries(plinth_objects PRIVATE mbedtls)
endif()

# The device key that belongs to the public test secret, written by the native plinth-attest.
if(PLINTH_BOARD STREQUAL "qemu-virt" AND EXISTS ${PROJECT_SOURCE_DIR}/tools/plinth-attest/main.cpp)
    plinth_sources(plinth_attest_inputs
        "src/attest/*.cpp" "src/attest/*.h*" "src/base/*.hpp" "tools/plinth-attest/*.?pp")
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/test-device.pub
        COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}
            -DOUTPUT=${PROJECT_BINARY_DIR}/test-device.pub
            -P ${PROJECT_SOURCE_DIR}/toolchain/test_device_key.cmake
        DEPENDS ${plinth_attest_inputs} ${PROJECT_SOURCE_DIR}/toolchain/test_device_key.cmake
        VERBATIM)
    add_custom_target(test-device-key ALL DEPENDS ${PROJECT_BINARY_DIR}/test-device.pub)
endif()
