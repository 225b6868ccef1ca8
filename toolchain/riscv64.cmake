# SPDX-License-Identifier: Apache-2.0
# Cross compilation to freestanding rv64 with Debian's gcc-riscv64-unknown-elf. That package has no
# C++ headers and no libc: the headers come from libstdc++-dev for riscv64-linux-gnu behind the few
# shims in toolchain/shims, the C headers from toolchain/libc.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

foreach(tool gcc g++ ar ranlib objcopy objdump)
    string(MAKE_C_IDENTIFIER "PLINTH_TOOL_${tool}" variable)
    find_program(${variable} riscv64-unknown-elf-${tool})
    if(NOT ${variable})
        message(FATAL_ERROR
            "riscv64-unknown-elf-${tool} is missing: run scripts/setup "
            "(package gcc-riscv64-unknown-elf)")
    endif()
endforeach()
set(CMAKE_C_COMPILER ${PLINTH_TOOL_gcc})
set(CMAKE_ASM_COMPILER ${PLINTH_TOOL_gcc})
set(CMAKE_CXX_COMPILER ${PLINTH_TOOL_g__})
set(CMAKE_AR ${PLINTH_TOOL_ar})
set(CMAKE_RANLIB ${PLINTH_TOOL_ranlib})
set(CMAKE_OBJCOPY ${PLINTH_TOOL_objcopy})
set(CMAKE_OBJDUMP ${PLINTH_TOOL_objdump})

execute_process(COMMAND ${CMAKE_CXX_COMPILER} -dumpversion
    OUTPUT_VARIABLE plinth_gcc_version OUTPUT_STRIP_TRAILING_WHITESPACE)
if(plinth_gcc_version VERSION_LESS 12)
    message(FATAL_ERROR "riscv64-unknown-elf-g++ ${plinth_gcc_version} is too old: "
        "version 12 or newer is needed (Debian 12 has it)")
endif()
string(REGEX MATCH "^[0-9]+" plinth_gcc_major "${plinth_gcc_version}")

set(PLINTH_CXX_HEADERS "/usr/riscv64-linux-gnu/include/c++/${plinth_gcc_major}" CACHE PATH
    "libstdc++ headers for riscv64")
if(NOT EXISTS "${PLINTH_CXX_HEADERS}/array")
    message(FATAL_ERROR "C++ headers not found in ${PLINTH_CXX_HEADERS}: run scripts/setup "
        "(package libstdc++-${plinth_gcc_major}-dev-riscv64-cross)")
endif()

set(plinth_arch "-march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -fno-pic")
set(plinth_free "-ffreestanding -nostdlib -ffunction-sections -fdata-sections")
set(plinth_libc "-isystem ${CMAKE_CURRENT_LIST_DIR}/libc")
string(CONCAT plinth_cxx
    "-nostdinc++ -isystem ${CMAKE_CURRENT_LIST_DIR}/shims -isystem ${PLINTH_CXX_HEADERS} "
    "-isystem ${PLINTH_CXX_HEADERS}/riscv64-linux-gnu ${plinth_libc} "
    "-fno-exceptions -fno-rtti -fno-threadsafe-statics")
set(CMAKE_C_FLAGS_INIT "${plinth_arch} ${plinth_free} ${plinth_libc}")
set(CMAKE_CXX_FLAGS_INIT "${plinth_arch} ${plinth_free} ${plinth_cxx}")
set(CMAKE_ASM_FLAGS_INIT "${plinth_arch}")

# gcc picks a double-float libgcc for the long -march string; the short one names the right
# multilib.
execute_process(COMMAND ${CMAKE_C_COMPILER} -march=rv64imac -mabi=lp64 -print-libgcc-file-name
    OUTPUT_VARIABLE PLINTH_LIBGCC OUTPUT_STRIP_TRAILING_WHITESPACE)

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
