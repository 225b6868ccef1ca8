// SPDX-License-Identifier: Apache-2.0
// Third-party C only: the monitor itself uses SM_CHECK.
#undef assert
#define assert(condition) ((void)0)
