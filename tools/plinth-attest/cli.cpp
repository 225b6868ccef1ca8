// SPDX-License-Identifier: Apache-2.0
#include "cli.hpp"

#include "input.hpp"
#include "measure.hpp"
#include "verify.hpp"

#include <algorithm>
#include <map>

namespace plinth::attest {

namespace {

constexpr char usage[] =
    "usage:\n"
    "  plinth-attest measure --loader FILE --runtime FILE --app FILE\n"
    "      the enclave hash: 128 hexadecimal digits\n"
    "  plinth-attest measure-monitor plinth.bin\n"
    "      the monitor hash: 128 hexadecimal digits\n"
    "  plinth-attest verify REPORT --device-key FILE --monitor-hash H --enclave-hash H --data "
    "FILE\n"
    "                [--allow-test-keys]\n"
    "      one line: verify: OK ..., or verify: FAIL: and the first link that does not hold.\n"
    "      REPORT: 1,352 raw bytes or hexadecimal digits. H: 128 digits, or a file of them.\n"
    "      --data: the exact bytes expected in the report, normally the nonce\n"
    "  plinth-attest show REPORT\n"
    "      the fields of a report, unverified\n"
    "  plinth-attest device-key --test\n"
    "      the device-key file of the public test secret\n";

/// What a command accepts. Options take a value, flags do not.
struct Syntax {
    std::size_t positional;
    std::vector<std::string> options; ///< all of them required
    std::vector<std::string> flags{}; ///< optional
};

struct Parsed {
    std::vector<std::string> positional{};
    std::map<std::string, std::string> options{};
    bool flag{false};
};

bool contains(std::vector<std::string> const& list, std::string const& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

Parsed parse(std::vector<std::string> const& arguments, Syntax const& syntax) {
    Parsed parsed;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        auto const& argument = arguments[i];
        if (contains(syntax.flags, argument)) {
            parsed.flag = true;
        } else if (contains(syntax.options, argument)) {
            if (++i == arguments.size()) throw InputError(argument + " needs a value");
            if (!parsed.options.emplace(argument, arguments[i]).second) {
                throw InputError(argument + " is given twice");
            }
        } else if (argument.starts_with("-") || parsed.positional.size() == syntax.positional) {
            throw InputError("unexpected argument " + argument);
        } else {
            parsed.positional.push_back(argument);
        }
    }
    if (parsed.positional.size() != syntax.positional) throw InputError("an argument is missing");
    for (auto const& option : syntax.options) {
        if (!parsed.options.contains(option)) throw InputError(option + " is missing");
    }
    return parsed;
}

void print_hex(std::ostream& out, char const* before, Bytes bytes) {
    out << before;
    for (auto const byte : bytes)
        out << "0123456789abcdef"[byte >> 4U] << "0123456789abcdef"[byte & 15U];
    out << "\n";
}

/// A file that has content: an image of nothing is a mistake in the command.
std::vector<std::uint8_t> read_image(std::string const& path) {
    auto bytes = read_file(path);
    if (bytes.empty()) throw InputError(path + " is empty");
    return bytes;
}

int measure(Parsed const& parsed, std::ostream& out) {
    auto const loader = read_image(parsed.options.at("--loader"));
    auto const runtime = read_image(parsed.options.at("--runtime"));
    auto const app = read_image(parsed.options.at("--app"));
    print_hex(out, "", measure_images(loader, runtime, app));
    return 0;
}

int measure_monitor(Parsed const& parsed, std::ostream& out) {
    print_hex(out, "", sha3_512({read_image(parsed.positional[0])}));
    return 0;
}

char const* verdict(RootKind root, PublicKey const& device_key) {
    if (root == RootKind::Test || is_test_key(device_key)) {
        return "verify: OK (root: test; anyone can make such a report)\n";
    }
    if (root == RootKind::SelfAsserted) {
        return "verify: OK (root: self-asserted; the monitor measured itself)\n";
    }
    return "verify: OK (root: handed-over)\n";
}

int verify_report(Parsed const& parsed, std::ostream& out) {
    auto const key_path = parsed.options.at("--device-key");
    auto const key_text = read_file(key_path);
    auto const device = parse_device_key(std::string{key_text.begin(), key_text.end()}, key_path);
    auto const data = read_file(parsed.options.at("--data"));
    auto const expected = Expected{.root = device.root,
                                   .device_key = device.key,
                                   .monitor_hash = read_hash(parsed.options.at("--monitor-hash")),
                                   .enclave_hash = read_hash(parsed.options.at("--enclave-hash")),
                                   .data = data,
                                   .allow_test_keys = parsed.flag};
    auto const report = parse_report(read_file(parsed.positional[0]));
    if (!report) {
        out << "verify: FAIL: report length\n";
        return 1;
    }
    auto const link = verify(*report, expected);
    if (link != Link::None) {
        out << "verify: FAIL: " << name(link) << "\n";
        return 1;
    }
    out << verdict(device.root, device.key);
    return 0;
}

int show(Parsed const& parsed, std::ostream& out) {
    auto const report = parse_report(read_file(parsed.positional[0]));
    if (!report) throw InputError(parsed.positional[0] + " is not a report of 1,352 bytes");
    auto const& enclave = report->enclave;
    auto const length = std::min<std::uint64_t>(enclave.data_len, max_report_data);
    auto const used = static_cast<std::size_t>(length);
    print_hex(out, "enclave hash:        ", enclave.hash);
    out << "data length:         " << enclave.data_len << "\n";
    print_hex(out, "data:                ", Bytes{enclave.data}.first(used));
    auto const clean = all_zero(Bytes{enclave.data}.subspan(used));
    out << "unused bytes:        " << (clean ? "zero\n" : "NOT ZERO\n");
    print_hex(out, "report signature:    ", enclave.signature);
    print_hex(out, "monitor hash:        ", report->monitor.hash);
    print_hex(out, "monitor key:         ", report->monitor.public_key);
    print_hex(out, "monitor certificate: ", report->monitor.signature);
    print_hex(out, "device key:          ", report->device_public_key);
    return 0;
}

int device_key(Parsed const& parsed, std::ostream& out) {
    if (!parsed.flag) throw InputError("--test is missing: no other secret is known to this tool");
    auto const key = device_public_key(test_secret());
    if (!key) throw InputError("the test key cannot be derived");
    out << format_device_key({.root = RootKind::Test, .key = *key});
    return 0;
}

/// One row per command.
struct Command {
    char const* name;
    Syntax syntax;
    int (*run)(Parsed const&, std::ostream&);
};

std::vector<Command> commands() {
    return {
        {"measure", {.positional = 0, .options = {"--loader", "--runtime", "--app"}}, measure},
        {"measure-monitor", {.positional = 1, .options = {}}, measure_monitor},
        {"verify",
         {.positional = 1,
          .options = {"--device-key", "--monitor-hash", "--enclave-hash", "--data"},
          .flags = {"--allow-test-keys"}},
         verify_report},
        {"show", {.positional = 1, .options = {}}, show},
        {"device-key", {.positional = 0, .options = {}, .flags = {"--test"}}, device_key},
    };
}

} // namespace

int run_command(std::vector<std::string> const& arguments, std::ostream& out, std::ostream& err) {
    if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "help")) {
        out << usage;
        return 0;
    }
    try {
        for (auto const& command : commands()) {
            if (arguments.empty() || arguments[0] != command.name) continue;
            return command.run(parse(arguments, command.syntax), out);
        }
    } catch (InputError const& error) {
        err << "plinth-attest: " << error.what() << "\n";
        return 2;
    }
    err << usage;
    return 2;
}

} // namespace plinth::attest
