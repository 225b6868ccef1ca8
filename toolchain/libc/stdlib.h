// SPDX-License-Identifier: Apache-2.0
// mbedTLS and libfdt include <stdlib.h> for size_t and NULL; allocation and exit do not exist here.
#include <stddef.h>
