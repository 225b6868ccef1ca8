// SPDX-License-Identifier: Apache-2.0
#include "enclave/registry.hpp"

#include "base/wipe.hpp"

#include <algorithm>

namespace plinth::enclave {

void PublishedRanges::set(unsigned slot, std::optional<PhysRange> range) {
    sequence_.fetch_add(1);
    words_[slot].base.store(range ? range->base().raw : 0);
    words_[slot].size.store(range ? range->size() : 0);
    sequence_.fetch_add(1);
}

DeniedRanges PublishedRanges::read() const {
    for (;;) {
        auto const before = sequence_.load();
        DeniedRanges out;
        for (unsigned i = 0; i < max_enclaves; ++i) {
            auto const range = PhysRange::make({words_[i].base.load()}, words_[i].size.load());
            if (range) out[i] = *range;
        }
        if (before % 2 == 0 && sequence_.load() == before) return out;
    }
}

Enclave* Registry::find(u64 id) {
    for (auto& enclave : enclaves_)
        if (enclave.state != State::Empty && enclave.id == id) return &enclave;
    return nullptr;
}

bool Registry::overlaps(Layout const& layout) const {
    for (auto const& enclave : enclaves_) {
        if (enclave.state == State::Empty) continue;
        for (auto const mine : {layout.epm, layout.utm})
            if (mine.overlaps(enclave.layout->epm) || mine.overlaps(enclave.layout->utm))
                return true;
    }
    return false;
}

Result<Claim> Registry::claim(Layout const& layout, Enclave*& out) {
    auto* const slot = std::ranges::find(enclaves_, State::Empty, &Enclave::state);
    if (slot == enclaves_.end()) return Err::NoResource;
    SM_CHECK(slot->move(State::Building));
    ++generation_;
    slot->id = (generation_ * max_enclaves + this->slot(*slot)) & ~(1ULL << 63U);
    slot->layout = layout;
    slot->deadline = ~0ULL;
    slot->last_hart = ~0U;
    out = slot;
    return Claim{layout.epm};
}

unsigned Registry::slot(Enclave const& enclave) const {
    return static_cast<unsigned>(&enclave - enclaves_.data());
}

void Registry::give_back(Enclave& enclave, Scrubbed&& memory) {
    SM_CHECK(enclave.layout && memory.epm() == enclave.layout->epm);
    SM_CHECK(enclave.move(State::Empty));
    enclave.layout.reset();
    enclave.memory.reset();
    wipe_object(enclave.hash);
    wipe_object(enclave.registers);
    wipe_object(enclave.supervisor);
}

unsigned Registry::alive() const {
    auto const empty = std::ranges::count(enclaves_, State::Empty, &Enclave::state);
    return max_enclaves - static_cast<unsigned>(empty);
}

} // namespace plinth::enclave
