// SPDX-License-Identifier: Apache-2.0
// The part of <string.h> that the monitor and mbedTLS use. Bodies: src/base/cstring.cpp.
#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void *memcpy(void *__restrict to, const void *__restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
#ifdef __cplusplus
}
#endif
