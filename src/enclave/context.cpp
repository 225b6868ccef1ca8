// SPDX-License-Identifier: Apache-2.0
#include "enclave/context.hpp"

namespace plinth::enclave {

void save(arch::Hart& hart, SupervisorContext& out) {
    out.csrs = SupervisorCsrs::save(hart);
    if (hart.features().envcfg) out.senvcfg = hart.read<arch::csr::Senvcfg>();
    if (hart.features().has('D')) hart.save(out.fp);
    if (hart.features().vectors()) hart.save(out.vector);
}

void load(arch::Hart& hart, SupervisorContext const& in) {
    if (hart.features().has('S')) SupervisorCsrs::load(hart, in.csrs);
    if (hart.features().has('S') && hart.features().envcfg)
        hart.write<arch::csr::Senvcfg>(in.senvcfg);
    if (hart.features().has('D')) hart.load(in.fp);
    if (hart.features().vectors()) hart.load(in.vector);
}

void save(arch::Hart& hart, HypervisorContext& out) {
    if (!hart.features().has('H')) return;
    out.csrs = HypervisorCsrs::save(hart);
    if (hart.features().envcfg) out.henvcfg = hart.read<arch::csr::Henvcfg>();
}

void load(arch::Hart& hart, HypervisorContext const& in) {
    if (!hart.features().has('H')) return;
    HypervisorCsrs::load(hart, in.csrs);
    if (hart.features().envcfg) hart.write<arch::csr::Henvcfg>(in.henvcfg);
}

} // namespace plinth::enclave
