# SPDX-License-Identifier: Apache-2.0
"""What each row of the benchmark may cost, and which of these targets are not met yet.

`target` is what this stage asks for, `target7` what the tuning stage asks for; both are medians in
the unit of the row and count on the processor TARGET_CPU only."""

TARGET_CPU = "rv64,sstc=off,h=off"
CPUS = (TARGET_CPU, "rv64")

PLAIN = ("mscratch", "mepc", "mcause", "mtval")
STATUS = ("mstatus", "mie", "mip")

TARGETS = {
    **{f"csr.{name}.{way}": (220, 50) for name in PLAIN for way in ("read", "write")},
    **{f"csr.{name}.{way}": (220, 110) for name in STATUS for way in ("read", "write")},
    "csr.misa.read": (220, 50),
    "csr.mhartid.read": (220, 50),
    "csr.pmpaddr.read": (220, None),
    "csr.pmpaddr.write": (220, None),
    "clint.mtimecmp.store": (200, 130),
    "clint.mtimecmp.load": (200, 130),
    "clint.mtime.load": (200, 130),
    "ecall.four-csr": (1500, 700),
    "sbi.base.spec_version": (3300, 1600),
    "sbi.base.impl_id": (3300, 1600),
    "sbi.base.impl_version": (3300, 1600),
    "sbi.rdtime": (None, 36),
    "sbi.set_timer.far": (None, 50),
    "sbi.set_timer.past": (None, 45),
    "sbi.send_ipi.self": (None, 75),
    "sbi.fence_i.self": (None, 75),
    "sbi.sfence_vma.self": (None, 95),
    "sbi.illegal_csr.redirected": (None, 2500),
    "enclave.run": (None, 500),
    "enclave.stop": (None, 500),
    "enclave.resume_and_stop": (None, 1000),
    "enclave.interrupt": (None, 600),
    "reset.start_up": (200_000, 60_000),
    "linux.vm_traps": (None, 2200),
    "linux.vm_traps.other": (0, 0),
    "linux.overhead.in_m_mode": (None, 10),
    **{f"linux_holes.{part}.pmp16.overhead": (50, None) for part in ("boot", "work")},
    **{f"linux_holes.{part}.pmp8.overhead": (150, None) for part in ("boot", "work")},
}

# With this firmware only: the other one is reported.
TARGET_FIRMWARE = "OpenSBI 1.1"

# Rows whose `target` is still open. A row here that meets it fails the check too: then it is taken
# out, and from there on it must stay met.
OPEN = set()


def targets(name, config):
    """(target, target7) of a row, each None where there is none. A configuration is
    "CPU, FIRMWARE"."""
    cpu, firmware = config.rsplit(", ", 1)
    if cpu != TARGET_CPU or firmware.startswith("OpenSBI") and firmware != TARGET_FIRMWARE:
        return None, None
    return TARGETS.get(name, (None, None))
