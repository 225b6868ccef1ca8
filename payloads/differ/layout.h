// SPDX-License-Identifier: Apache-2.0
// Shared by start.S, the C++ files and (by hand) tests/qemu/differ.py.
#pragma once

#define PARAMS_SIZE 16384
