# SPDX-License-Identifier: Apache-2.0
# Links OBJECTS at a second base and compares with BINARY: a difference is an absolute address.
set(second "${BINARY}.moved")
execute_process(COMMAND ${CXX} -march=rv64imac_zicsr_zifencei -mabi=lp64 -nostdlib -nostartfiles
    -static -T ${SCRIPT} -Wl,--defsym=PAYLOAD_BASE=0x80137000 -Wl,--gc-sections
    -Wl,--build-id=none -Wl,--no-warn-rwx-segments ${OBJECTS} ${LIBGCC} -o ${second}.elf
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${OBJCOPY} -O binary ${second}.elf ${second}.bin COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${BINARY} ${second}.bin
    RESULT_VARIABLE differs)
if(differs)
    file(REMOVE ${BINARY})
    message(FATAL_ERROR "${BINARY} holds absolute addresses: it cannot run at any address")
endif()
file(REMOVE ${second}.elf ${second}.bin)
