/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subset of mbedTLS 3.6 that Plinth links: SHA-2, SHA-3, HMAC, HKDF, HMAC_DRBG and deterministic
 * ECDSA on P-256. No X.509, files, clock, sockets, entropy collection, error strings or self tests.
 *
 * Compile with -DMBEDTLS_CONFIG_FILE="attest/mbedtls_config.h" and src/ on the include path.
 * Files of library/ that this needs (17), with the reason:
 *   asn1parse asn1write                      ecdsa.c refers to them; --gc-sections drops both
 *   bignum bignum_core constant_time         big numbers
 *   ecdsa ecp ecp_curves                     P-256
 *   hkdf hmac_drbg md sha256 sha3 sha512     digests and what is made of them
 *   memory_buffer_alloc platform             the static pool in src/attest/pool.cpp
 *   platform_util                            zeroing
 * (ecp_curves_new, bignum_mod and bignum_mod_raw compile to nothing with this configuration.)
 * The C headers it includes: limits.h stddef.h stdint.h stdio.h stdlib.h string.h.
 */
#pragma once

/* Memory: one static pool and nothing from a C library. */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_MEMORY_ALIGN_MULTIPLE 16
/* The allocator calls this when its lists are damaged; src/attest/pool.cpp stops the monitor. */
#define MBEDTLS_PLATFORM_EXIT_MACRO plinth_mbedtls_exit
#ifdef __cplusplus
extern "C"
#endif
void plinth_mbedtls_exit(int status);

/* Digests. */
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_SHA3_C
#define MBEDTLS_MD_C
#define MBEDTLS_HKDF_C
#define MBEDTLS_HMAC_DRBG_C

/* Signatures: P-256 only, nonces after RFC 6979. */
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
