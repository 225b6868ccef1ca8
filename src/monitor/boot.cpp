// SPDX-License-Identifier: Apache-2.0
#include "monitor/boot.hpp"

#include "attest/boot_page.hpp"
#include "base/wipe.hpp"
#include "config.hpp"
#include "monitor/console.hpp"
#include "monitor/device_tree.hpp"

#include <algorithm>
#include <string.h>

namespace plinth::monitor {
namespace {

/// fw_dynamic_info, versions 1 and 2 (OpenSBI's hand-over structure).
struct FwDynamicInfo {
    u64 magic, version, next_addr, next_mode, options, boot_hart;
};
constexpr u64 fw_dynamic_magic = 0x4942534f;
/// Versions below 2 end before boot_hart; −1 there means: any.
constexpr u64 any_hart = ~0ULL;

/// Copies the structure to where the firmware finds it.
std::optional<FwDynamicInfo> take_info(HartState& h, u64 address) {
    auto const range = PhysRange::make({address}, sizeof(FwDynamicInfo));
    if (!range || address == 0 || address % 8 != 0) return std::nullopt;
    FwDynamicInfo info{};
    memcpy(&info, h.hart.bytes(*range).data(), sizeof info);
    if (info.magic != fw_dynamic_magic) return std::nullopt;
    if (info.version < 2) info.boot_hart = any_hart;
    memcpy(h.hart.bytes(board::firmware_info).data(), &info, sizeof info);
    h.monitor->boot.fw_dynamic = board::firmware_info.base().raw;
    return info;
}

/// Where the tree may grow to: RAM behind it that nothing else uses.
Result<std::span<u8>> room_for_tree(HartState& h, DeviceTree const& tree,
                                    std::optional<FwDynamicInfo> const& info) {
    auto const& boot = h.monitor->boot;
    auto const wanted = TRY(PhysRange::make({boot.fdt}, tree.bytes().size() + DeviceTree::growth));
    auto const initrd = tree.initrd;
    if (!boot.is_ram(wanted) || wanted.overlaps(board::monitor) ||
        wanted.overlaps(board::firmware) || (initrd && wanted.overlaps(*initrd)) ||
        (info && wanted.contains(PhysAddr{info->next_addr})))
        return Err::NoResource;
    return h.hart.bytes(wanted);
}

attest::Digest image_hash(HandOver const& given) {
    std::array<u8, 8> const zeros{};
    return attest::sha3_512({given.image.first(given.boot_word), zeros,
                             given.image.subspan(given.boot_word + zeros.size())});
}

/// The boot page says how long the firmware is and who the device is. Zeroed after use.
Result<void> use_boot_page(HartState& h, HandOver const& given) {
    auto& boot = h.monitor->boot;
    auto const bytes = h.hart.bytes(board::boot_page);
    auto const accept = config::test_key ? attest::TestKeys::Accept : attest::TestKeys::Refuse;
    auto page = attest::parse_boot_page(bytes, accept);
    wipe(bytes.data(), bytes.size());
    boot.monitor_hash = image_hash(given);
    if (!page) return page.error() == Err::Unprovisioned ? Result<void>{} : page.error();
    auto const firmware = PhysRange::make(board::firmware.base(), page->firmware_length);
    if (!firmware || !board::firmware.contains(*firmware) ||
        firmware->overlaps(board::firmware_info))
        return Err::Malformed;
    boot.firmware_length = page->firmware_length;
    boot.firmware_hash = attest::sha3_512({h.hart.bytes(*firmware)});
    auto const derived = h.monitor->identity.lock([] {})->derive(*page, boot.monitor_hash);
    wipe_object(*page);
    if (!derived && derived.error() != Err::Unprovisioned) return derived;
    return {};
}

} // namespace

Result<void> prepare(HartState& h, HandOver const& given) {
    auto& boot = h.monitor->boot;
    auto const info = take_info(h, given.fw_dynamic);
    auto const header = TRY(PhysRange::make({given.fdt}, 8));
    auto const header_bytes = h.hart.bytes(header);
    auto const size = static_cast<u64>(header_bytes[4]) << 24U | header_bytes[5] << 16U |
                      header_bytes[6] << 8U | header_bytes[7];
    if (size > DeviceTree::max_size) return Err::Malformed;
    auto const blob = TRY(PhysRange::make({given.fdt}, size));
    auto tree = TRY(DeviceTree::open(h.hart.bytes(blob)));
    for (auto& hart : h.monitor->harts) hart.vmtimecmp.store(~0ULL);
    boot.fdt = given.fdt;
    if (!tree.ram[0]) return Err::Malformed;
    boot.ram = tree.ram;
    boot.harts = static_cast<unsigned>(std::min<u64>(tree.harts, board::max_harts));
    auto const room = TRY(room_for_tree(h, tree, info));

    TRY(use_boot_page(h, given));
    auto const whole_seed = tree.seed;
    auto const seed = whole_seed.first(std::min(whole_seed.size(), attest::Drbg::max_entropy));
    auto const personal = h.monitor->identity.lock([] {})->drbg_personalisation();
    // The tree's seed is all the entropy there is; without, create is refused.
    auto const seeded =
        h.monitor->drbg.lock([] {})->seed(seed, personal ? *personal : attest::Bytes{});
    wipe(whole_seed.data(), whole_seed.size());
    boot.tree_hash = attest::sha3_512({tree.bytes()});
    if (seeded) TRY(h.monitor->drbg.lock([] {})->fill(seed));
    return tree.edit(room);
}

void print_banner(HartState& h) {
    auto const& boot = h.monitor->boot;
    auto const& f = h.hart.features();
    Console text{h.hart};
    text << "\nPlinth " << config::version << " on " << board::name << ", boot hart "
         << u64{h.hart.id()} << " of " << u64{boot.harts} << ", " << u64{f.pmp_entries}
         << " PMP entries" << (f.sstc ? ", Sstc" : "") << (f.has('H') ? ", H" : "")
         << (f.vlenb != 0 ? ", V" : "") << "\n";
    text << "  monitor   " << boot.monitor_hash << "\n";
    text << "  tree      " << boot.tree_hash << "\n";
    if (boot.firmware_length == 0)
        text << "  firmware  at " << Hex{board::firmware.base().raw}
             << ", unmeasured: there is no boot page\n";
    else
        text << "  firmware  " << boot.firmware_hash << ", " << boot.firmware_length << " bytes\n";
    auto identity = h.monitor->identity.lock([] {});
    text << "  root      " << attest::name(identity->kind())
         << (identity->kind() == attest::RootKind::Test ? ": THE PUBLIC TEST KEY, worth nothing"
                                                        : "")
         << (identity->provisioned() ? "" : ": attestation answers 100100") << "\n";
    text << "  entropy   "
         << (h.monitor->drbg.lock([] {})->seeded() ? "/chosen/rng-seed (weak: the loader knows it)"
                                                   : "none: enclaves are refused")
         << "\n";
    text << "Plinth: the firmware runs deprivileged from here\n";
}

} // namespace plinth::monitor
