#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/pack: the layout of the image and of its boot page, and what it refuses."""
import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

PACK = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "pack"


class Pack(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        self.work = pathlib.Path(work.name)

    def file(self, name, data):
        (self.work / name).write_bytes(data)
        return str(self.work / name)

    def pack(self, *arguments):
        return subprocess.run(
            [sys.executable, str(PACK), *arguments], stderr=subprocess.PIPE, text=True, check=False
        )

    def image(self, kind, monitor=b"\x01monitor", firmware=b"\x02firmware"):
        output = str(self.work / "image")
        run = self.pack(
            "image",
            "--kind",
            kind,
            "--monitor",
            self.file("m", monitor),
            "--firmware",
            self.file("f", firmware),
            "--output",
            output,
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        return pathlib.Path(output).read_bytes()

    def test_parts_lie_where_the_monitor_looks_for_them(self):
        image = self.image("none")
        self.assertEqual(image[:0xFF000], b"\x01monitor".ljust(0xFF000, b"\0"))
        self.assertEqual(image[0x100000:], b"\x02firmware")

    def test_boot_page_without_key_holds_only_the_firmware_length(self):
        page = self.image("none")[0xFF000:0x100000]
        self.assertEqual(page[:24], b"PLINTHBP" + struct.pack("<IIQ", 1, 0, 9))
        self.assertEqual(page[24:], bytes(4096 - 24))

    def test_boot_page_with_test_key_holds_the_public_secret(self):
        page = self.image("test")[0xFF000:0x100000]
        self.assertEqual(page[8:16], struct.pack("<II", 1, 3))
        self.assertEqual(page[24:56], hashlib.sha256(b"plinth test device secret v1").digest())
        self.assertEqual(page[56:], bytes(4096 - 56))

    def test_largest_monitor_fits_and_one_byte_more_is_refused(self):
        self.assertEqual(
            self.image("none", monitor=b"\x05" * 0xFF000)[0xFEFFE:0xFF002], b"\x05\x05PL"
        )
        run = self.pack("hash", self.file("big", b"\x05" * 0xFF001), str(self.work / "hash"))
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("more than the", run.stderr)

    def test_empty_or_missing_parts_are_refused_in_one_line(self):
        for monitor, firmware in ((b"", b"x"), (b"x", b"")):
            run = self.pack(
                "image",
                "--kind",
                "none",
                "--monitor",
                self.file("m", monitor),
                "--firmware",
                self.file("f", firmware),
                "--output",
                str(self.work / "o"),
            )
            self.assertNotEqual(run.returncode, 0)
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
        run = self.pack("hash", str(self.work / "absent"), str(self.work / "hash"))
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(run.stderr.count("\n"), 1, run.stderr)

    def test_hash_is_sha3_512_in_lowercase_hex(self):
        output = self.work / "hash"
        self.assertEqual(self.pack("hash", self.file("m", b"abc"), str(output)).returncode, 0)
        # FIPS 202, SHA3-512("abc"), as in NIST's example values.
        self.assertEqual(
            output.read_text(),
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
            "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0\n",
        )


if __name__ == "__main__":
    unittest.main()
