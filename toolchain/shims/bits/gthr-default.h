// SPDX-License-Identifier: Apache-2.0
// No threads library: nothing to define.
