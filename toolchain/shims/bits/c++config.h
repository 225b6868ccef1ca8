// SPDX-License-Identifier: Apache-2.0
// The library's own configuration with what needs an operating system taken away.
#pragma once
#include_next <bits/c++config.h>
#undef _GLIBCXX_HAS_GTHREADS
#undef _GLIBCXX_HAVE_LINUX_FUTEX
#undef _GLIBCXX_USE_WCHAR_T
#undef _GLIBCXX_HOSTED
#define _GLIBCXX_HOSTED 0
