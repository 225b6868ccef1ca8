// SPDX-License-Identifier: Apache-2.0
// The built enclave parts, in this order.

    .section .rodata.enclave, "a"
    .globl enclave_loader_start, enclave_loader_end
    .globl enclave_runtime_start, enclave_runtime_end
    .globl enclave_app_start, enclave_app_end

    .balign 8
enclave_loader_start:
    .incbin "enclave-loader.bin"
enclave_loader_end:
    .balign 8
enclave_runtime_start:
    .incbin "enclave-runtime.bin"
enclave_runtime_end:
    .balign 8
enclave_app_start:
    .incbin "enclave-app.bin"
enclave_app_end:
