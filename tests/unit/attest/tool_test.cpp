// SPDX-License-Identifier: Apache-2.0
#include "cli.hpp"
#include "measure.hpp"
#include "support.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace plinth::attest::test {
namespace {

std::string hex_text(Bytes bytes) {
    std::ostringstream text;
    text << std::hex;
    for (auto const byte : bytes) text << (byte >> 4) << (byte & 15);
    return text.str();
}

/// A report made with the test key, in files as a user has them.
class Tool : public ::testing::Test {
  protected:
    Tool()
        : directory_{std::filesystem::path{::testing::TempDir()} /
                     ("plinth-attest-" + std::to_string(::getpid()))} {
        std::filesystem::create_directories(directory_);
        for (std::size_t i = 0; i < nonce_.size(); ++i) nonce_[i] = static_cast<std::uint8_t>(i);
        Monitor const monitor{{.kind = RootKind::Test, .secret = test_secret()},
                              digest_of("monitor")};
        report_ = monitor.report(digest_of("enclave"), nonce_);
        write("report", bytes_of(report_));
        write("nonce", nonce_);
        write("key", text_bytes(run({"device-key", "--test"}, 0)));
        write("monitor.sha3", text_bytes(hex_text(digest_of("monitor")) + "\n"));
    }
    ~Tool() override { std::filesystem::remove_all(directory_); }

    std::string path(std::string const& file) const { return directory_ / file; }

    void write(std::string const& file, Bytes bytes) const {
        std::ofstream out{path(file), std::ios::binary};
        for (auto const byte : bytes) out.put(static_cast<char>(byte));
        ASSERT_TRUE(out.good());
    }

    /// What the command prints; it must end with `status` and complain exactly when that is 2.
    std::string run(std::vector<std::string> const& arguments, int status) const {
        std::ostringstream out;
        std::ostringstream err;
        EXPECT_EQ(run_command(arguments, out, err), status) << out.str() << err.str();
        EXPECT_EQ(err.str().empty(), status != 2) << err.str();
        return out.str();
    }

    /// A verify command for these files, options replaced or added by `changes`.
    std::vector<std::string> verify_command(std::vector<std::string> const& changes = {}) const {
        std::vector<std::string> command{"verify",         path("report"),
                                         "--device-key",   path("key"),
                                         "--monitor-hash", path("monitor.sha3"),
                                         "--enclave-hash", hex_text(digest_of("enclave")),
                                         "--data",         path("nonce")};
        for (std::size_t i = 0; i + 1 < changes.size(); i += 2) {
            auto const at = std::find(command.begin(), command.end(), changes[i]);
            EXPECT_NE(at, command.end());
            *(at + 1) = changes[i + 1];
        }
        command.push_back("--allow-test-keys");
        return command;
    }

    std::filesystem::path directory_;
    std::array<std::uint8_t, 32> nonce_{};
    Report report_{};
};

TEST_F(Tool, VerifiesARawReport) {
    EXPECT_EQ(run(verify_command(), 0), "verify: OK (root: test; anyone can make such a report)\n");
}

TEST_F(Tool, VerifiesAReportInHexadecimalWithWhiteSpace) {
    auto text = hex_text(bytes_of(report_));
    for (std::size_t at = 0; at < text.size(); at += 65) text.insert(at, "\r\n");
    write("report", text_bytes(text + "\n"));
    EXPECT_TRUE(run(verify_command(), 0).starts_with("verify: OK"));
}

TEST_F(Tool, R05_NeedsPermissionForTestKeys) {
    auto command = verify_command();
    command.pop_back();
    EXPECT_EQ(run(command, 1), "verify: FAIL: test key\n");
}

TEST_F(Tool, NamesTheLinkThatFails) {
    auto const other = hex_text(digest_of("another"));
    EXPECT_EQ(run(verify_command({"--monitor-hash", other}), 1), "verify: FAIL: monitor hash\n");
    EXPECT_EQ(run(verify_command({"--enclave-hash", other}), 1), "verify: FAIL: enclave hash\n");
    EXPECT_EQ(run(verify_command({"--data", path("key")}), 1), "verify: FAIL: data\n");
    report_.monitor.signature[3] ^= 1;
    write("report", bytes_of(report_));
    EXPECT_EQ(run(verify_command(), 1), "verify: FAIL: monitor certificate\n");
}

TEST_F(Tool, NamesTheKindOfRoot) {
    Scene const self{32};
    auto const hash = digest_of("monitor 1");
    auto const root = handed_over("device A", hash);
    Monitor const handed{root, hash};
    auto const verdict = [&](Report report, RootKind kind) {
        write("report", bytes_of(report));
        write("nonce", self.data);
        write("key", text_bytes(format_device_key({kind, report.device_public_key})));
        return run(verify_command({"--monitor-hash", hex_text(hash), "--enclave-hash",
                                   hex_text(digest_of("enclave 1"))}),
                   0);
    };
    EXPECT_EQ(verdict(self.report, RootKind::SelfAsserted),
              "verify: OK (root: self-asserted; the monitor measured itself)\n");
    EXPECT_EQ(verdict(handed.report(digest_of("enclave 1"), self.data), RootKind::HandedOver),
              "verify: OK (root: handed-over)\n");
}

TEST_F(Tool, R03_ReportsOfAnotherLengthFail) {
    auto const whole = bytes_of(report_);
    std::vector<std::uint8_t> longer(whole.begin(), whole.end());
    longer.push_back(0);
    auto const hex = hex_text(whole);
    for (auto const& content :
         {std::vector<std::uint8_t>{}, longer,
          std::vector<std::uint8_t>(whole.begin(), whole.end() - 1), text_bytes(hex + "0"),
          text_bytes(hex + "00"), text_bytes(hex.substr(2)), text_bytes("g" + hex.substr(1))}) {
        write("report", content);
        EXPECT_EQ(run(verify_command(), 1), "verify: FAIL: report length\n") << content.size();
    }
}

TEST_F(Tool, UnusableInputIsStatusTwo) {
    EXPECT_EQ(run(verify_command({"--data", path("absent")}), 2), "");
    EXPECT_EQ(run(verify_command({"--data", directory_}), 2), "");
    EXPECT_EQ(run(verify_command({"--monitor-hash", path("nonce")}), 2), "");
    EXPECT_EQ(run({"verify", path("report")}, 2), "");
    EXPECT_EQ(run({"verify"}, 2), "");
    EXPECT_EQ(run({"no such command"}, 2), "");
    EXPECT_EQ(run({}, 2), "");
    EXPECT_EQ(run({"device-key"}, 2), "");
    EXPECT_EQ(run({"measure", "--loader"}, 2), "");
    auto command = verify_command();
    command.push_back("--frobnicate");
    EXPECT_EQ(run(command, 2), "");
    command.back() = "stray";
    EXPECT_EQ(run(command, 2), "");
    command = verify_command();
    command.insert(command.end(), {"--data", path("nonce")});
    EXPECT_EQ(run(command, 2), "");
}

TEST_F(Tool, DeviceKeyFilesAreReadStrictly) {
    auto const good = format_device_key({RootKind::Test, report_.device_public_key});
    auto const parsed = parse_device_key(good, "key");
    EXPECT_EQ(parsed.root, RootKind::Test);
    EXPECT_EQ(parsed.key, report_.device_public_key);
    auto const key = hex_text(report_.device_public_key);
    for (auto const& text : std::initializer_list<std::string>{
             "",
             "root: test\npublic: " + key,
             "scheme: p256\nroot: test\n",
             "scheme: p256\npublic: " + key,
             "scheme: keystone\nroot: test\npublic: " + key,
             "scheme: p256\nroot: none\npublic: " + key,
             "scheme: p256\nroot: best\npublic: " + key,
             "scheme: p256\nroot: test\npublic: " + key + "00",
             "scheme: p256\nroot: test\npublic: " + key.substr(1),
             "scheme: p256\nroot: test\npublic: zz" + key.substr(2),
             good + "root: handed-over\n",
             good + "comment: hello\n",
             good + "hello\n",
         }) {
        EXPECT_THROW(parse_device_key(text, "key"), InputError) << text;
    }
}

TEST_F(Tool, MeasuresEnclavesAndMonitors) {
    std::vector<std::uint8_t> const loader(10, 1);
    std::vector<std::uint8_t> const runtime(5000, 2);
    std::vector<std::uint8_t> const app(4096, 3);
    write("loader", loader);
    write("runtime", runtime);
    write("app", app);
    EXPECT_EQ(run({"measure", "--app", path("app"), "--loader", path("loader"), "--runtime",
                   path("runtime")},
                  0),
              hex_text(measure_images(loader, runtime, app)) + "\n");
    EXPECT_EQ(run({"measure-monitor", path("runtime")}, 0), hex_text(sha3_512({runtime})) + "\n");
    write("app", {});
    EXPECT_EQ(run({"measure", "--app", path("app"), "--loader", path("loader"), "--runtime",
                   path("runtime")},
                  2),
              "");
}

TEST_F(Tool, ShowPrintsTheFieldsAndSurvivesAnyLength) {
    EXPECT_NE(run({"show", path("report")}, 0).find("data length:         32\n"),
              std::string::npos);
    report_.enclave.data_len = ~0ULL;
    write("report", bytes_of(report_));
    EXPECT_NE(run({"show", path("report")}, 0).find("18446744073709551615"), std::string::npos);
}

TEST_F(Tool, HelpIsNotAnError) {
    EXPECT_NE(run({"--help"}, 0).find("plinth-attest verify REPORT"), std::string::npos);
}

} // namespace
} // namespace plinth::attest::test
