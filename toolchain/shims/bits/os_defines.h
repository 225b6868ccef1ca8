// SPDX-License-Identifier: Apache-2.0
// No operating system: nothing to define.
