// SPDX-License-Identifier: Apache-2.0
/// Reference model of control and status registers: the table of numbers, and what the machine's
/// registers may hold. Written from the specification by someone who has not seen src/.
#pragma once

#include "csr_table_reference.hpp"
#include "csr_warl_reference.hpp"
