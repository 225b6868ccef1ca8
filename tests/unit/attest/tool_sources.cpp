// SPDX-License-Identifier: Apache-2.0
// The verifier and the tool's commands, compiled into the unit tests with their sanitizers.
#include "cli.cpp"
#include "input.cpp"
#include "measure.cpp"
#include "verify.cpp"
