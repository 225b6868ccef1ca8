# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=... -DOUTPUT=... -P: builds plinth-attest in the native build tree and lets it write
# OUTPUT.
function(run)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${ROOT}
        RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${output}")
    endif()
endfunction()

if(NOT EXISTS ${ROOT}/build/native/build.ninja)
    run(${CMAKE_COMMAND} --preset native)
endif()
run(${CMAKE_COMMAND} --build --preset native --target plinth-attest)
execute_process(COMMAND ${ROOT}/build/native/plinth-attest device-key --test
    OUTPUT_VARIABLE key RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR NOT key MATCHES "public: [0-9a-f]+")
    message(FATAL_ERROR "plinth-attest device-key --test failed (${result}): ${key}")
endif()
file(WRITE ${OUTPUT} "${key}")
