// SPDX-License-Identifier: Apache-2.0
// mbedTLS includes <stdlib.h> for size_t and NULL; allocation and exit do not exist here.
#include <stddef.h>
