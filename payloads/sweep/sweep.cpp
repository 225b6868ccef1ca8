// SPDX-License-Identifier: Apache-2.0
#include "sweep.hpp"

extern "C" void firmware_main(uint64_t) {
    using namespace sweep;
    using namespace payload;
    constexpr uint64_t parameters = 0x81000000, magic = 0x7065657773;
    Parameters const& given = *at<Parameters const>(parameters);
    say("sweep: start\n");
    open_pmp();
    if (given.magic == magic && given.what == 0) try_csrs(given);
    if (given.magic == magic && given.what == 1) try_statuses(given);
    say("sweep: end\n");
    finish();
}
