# pome: see README.md. `make run` and `make test` are the two commands.
#
#   make            build/pome                  make check    quick tests (no KVM, network, root)
#   make run        boot a Debian kernel        make test     every test; installs what is missing
#   make lint       warnings, clang-tidy, style make bench    figures beside QEMU, one run
#   make fuzz       replay and grow corpora     make kvm      tests on an emulated aarch64 KVM host
#   make aarch64    cross build; or riscv64     make install  PREFIX=/usr/local DESTDIR=
#   make deps       install build dependencies  make clean    remove what was built, and what was fetched
#
# One level of tests: unit guest-tests firmware-tests cli-tests bundle-tests diff-tests el1-tests linux-tests gdb-tests
# qcow2-tests disk-tests kill-tests fuzz-replay. Longer than `make test` has time for: debian-tests efi-tests
# determinism-tests portable-tests guest-suites insn-walk insn-tests mutations tsan coverage-list. Figures: qcow2-bench profile-boot.
#
# CC=gcc builds everything but guest code, with a slower interpreter dispatch.
# SAN=address,undefined or SAN=thread builds with sanitizers. BUILD= moves the output.

BUILD ?= build
PREFIX ?= /usr/local
SAN ?=
WERROR ?= $(if $(CI),-Werror)

# The fast interpreter wants clang >= 19 (preserve_none, musttail); guest code needs clang and lld.
GUESTCC ?= $(firstword $(foreach c,clang-21 clang-20 clang-19 clang,$(shell command -v $(c) 2>/dev/null)))
GUESTLD ?= $(firstword $(foreach c,ld.lld-21 ld.lld-20 ld.lld-19 ld.lld,$(shell command -v $(c) 2>/dev/null)))
GUESTOBJCOPY ?= $(firstword $(foreach c,llvm-objcopy-21 llvm-objcopy-20 llvm-objcopy-19 llvm-objcopy,$(shell command -v $(c) 2>/dev/null)))
ifeq ($(origin CC),default)
CC := $(if $(GUESTCC),$(GUESTCC),gcc)
endif

PKGS = libfdt libseccomp libcap-ng jansson nettle zlib libzstd slirp libplist-2.0 expat minizip
PKG_CONFIG ?= pkg-config
# libfdt and libcap-ng ship no .pc file everywhere
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags libseccomp jansson nettle zlib libzstd slirp libplist-2.0 expat minizip 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs libseccomp jansson nettle zlib libzstd slirp libplist-2.0 expat minizip 2>/dev/null) -lfdt -lcap-ng

CROSS_CC ?= $(if $(filter aarch64%,$(shell uname -m)),cc,aarch64-linux-gnu-gcc)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wno-unused-parameter -Wno-missing-field-initializers
OPT ?= -O2
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -iquote include -I$(BUILD)/gen $(PKG_CFLAGS)
CFLAGS += -std=gnu11 -g $(OPT) $(WARN) $(WERROR) -fno-strict-aliasing -pthread -MMD -MP \
	$(if $(SAN),-fsanitize=$(SAN) -DPOME_SANITIZE -fno-omit-frame-pointer -fno-sanitize-recover=undefined,-fstack-protector-strong)
LDFLAGS += -pthread $(if $(SAN),-fsanitize=$(SAN))
LDLIBS += $(PKG_LIBS) -lm
# sixteen bytes at a time; the compiler's own on x86-64 and aarch64
LDLIBS += $(if $(filter x86_64 aarch64,$(ARCH)),,-latomic)

# V=1 shows the commands
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $@)

# The interpreter: floating point to the letter, and no work in a handler's prologue.
INTERP_CFLAGS = -O3 -ffp-contract=off -frounding-math -fno-math-errno -fno-stack-protector -fomit-frame-pointer \
	-fcf-protection=none
ifneq ($(ARCH),x86_64)
INTERP_CFLAGS := $(filter-out -fcf-protection=none,$(INTERP_CFLAGS))
endif

SRC := $(wildcard src/*.c) $(wildcard src/interp/*.c) $(wildcard devices/*.c) $(wildcard firmware/lib/*.c)
ifneq ($(ARCH),aarch64)
SRC := $(filter-out src/kvm%.c,$(SRC)) 
endif
OBJ := $(SRC:%.c=$(BUILD)/%.o)

OBJ += $(BUILD)/firmware/blob.o
LIBOBJ := $(filter-out $(BUILD)/src/main.o,$(OBJ))

.PHONY: firmware-guests firmware-tests all check test run lint bench fuzz kvm kvm-emulated aarch64 install deps help tsan clean unit guests guest-tests linux-tests \
	debian-tests diff-tests cli-tests qcow2-tests qcow2-bench disk-tests kill-tests determinism-tests bundle-tests mutations
.PHONY: riscv64 portable-tests gdb-tests insn-walk insn-tests coverage-list coverage-build
all: $(BUILD)/pome

$(BUILD)/pome: $(BUILD)/src/main.o $(BUILD)/libpome.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libpome.a: $(LIBOBJ)
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/src/interp/%.o: src/interp/%.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(INTERP_CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The boot ROM: A64 code, so always clang and lld; without them pome has none, and says so.
ROM = $(BUILD)/rom
ROM_FLAGS = --target=aarch64-none-elf -march=armv8-a -mgeneral-regs-only -mbranch-protection=none -std=gnu11 -O2 \
	-ffreestanding -fno-pic -fno-stack-protector $(WARN) $(WERROR) -iquote include -MMD -MP
ROM_OBJ := $(patsubst firmware/%,$(BUILD)/rom/%.o,$(wildcard firmware/*.c firmware/[!b]*.S firmware/lib/*.c))
$(ROM)/lib/%.o: firmware/lib/%
	@mkdir -p $(@D)
	$(GUESTCC) $(ROM_FLAGS) -c -o $@ $<
$(ROM)/%.o: firmware/%
	@mkdir -p $(@D)
	$(GUESTCC) $(ROM_FLAGS) -mstrict-align -c -o $@ $<
ifneq ($(and $(GUESTCC),$(GUESTLD),$(GUESTOBJCOPY)),)
$(ROM)/rom.bin: $(ROM_OBJ) firmware/rom.ld
	$(GUESTLD) -T firmware/rom.ld -o $(ROM)/rom.elf $(ROM_OBJ)
	$(GUESTOBJCOPY) -O binary -j .text -j .rodata -j .data $(ROM)/rom.elf $@
else
$(ROM)/rom.bin:
	@mkdir -p $(@D)
	@echo "make: no boot ROM in this build: it needs clang, ld.lld and llvm-objcopy" >&2
	@: >$@
endif
$(BUILD)/firmware/blob.o: firmware/blob.S $(ROM)/rom.bin
	@mkdir -p $(@D)
	$(CC) -DROM_BIN='"$(ROM)/rom.bin"' -c -o $@ firmware/blob.S

# qcow2 images against Debian's qemu-img and qemu-io, and cut off at every write; QCOW2FLAGS names parts (tests/qcow2/run.sh).
$(BUILD)/tests/qcow2/q2: $(BUILD)/tests/qcow2/q2.o $(BUILD)/libpome.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=pwritev64,--wrap=fallocate64,--wrap=fdatasync -o $@ $^ $(LDLIBS)
qcow2-tests: $(BUILD)/tests/qcow2/q2
	tests/qcow2/run.sh $< $(QCOW2FLAGS)
# A Linux guest on qcow2 disks; --ephemeral, --readonly, discard, full file systems.
disk-tests: $(BUILD)/pome
	tests/debian/fetch.sh initrd
	tests/linux/disks.sh $(BUILD)/pome
qcow2-bench: $(BUILD)/tests/qcow2/q2 $(BUILD)/pome $(BUILD)/guest/g_bench.elf
	tests/qcow2/bench.sh $^
# kill -9 while a guest writes; KILLS of them. Quick with 30; 1000 take half an hour.
KILLS ?= 30
kill-tests: $(BUILD)/pome $(BUILD)/guest/g_kill.elf
	tests/qcow2/kill.py $^ --rounds $(KILLS)

# Unit tests: one program a file, linked with the library and cmocka.
A64_UNIT := $(patsubst tests/unit/%.c,%,$(filter-out tests/unit/fake.c $(UNIT_SKIP:%=tests/unit/%.c),$(wildcard tests/unit/*.c)))
UNIT := $(if $(filter aarch64,$(ARCH)),$(A64_UNIT),$(filter-out kvm%,$(A64_UNIT)))
# A test may define a function of the library anew, as a double: it comes first, so it is the one that is used.
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/unit/fake.o $(BUILD)/libpome.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -Wl,--allow-multiple-definition -o $@ $^ -lcmocka $(LDLIBS)
.SECONDARY:

unit: $(UNIT:%=$(BUILD)/tests/unit/%)
	@tests/unit/run.sh $(BUILD)/tests/unit $(UNIT)

# Bundles of other programs: every sample as tests/bundles/manifest.json says, and mutations of them under sanitizers.
MUTATIONS ?= 10000
WRAPPED = open64 stat64 lstat64 access opendir realpath
$(BUILD)/tests/bundles/mutate: $(BUILD)/tests/bundles/mutate.o $(BUILD)/libpome.a
	$(CC) $(LDFLAGS) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $^ $(LDLIBS)
mutations: $(BUILD)/tests/bundles/mutate
	@rm -rf $(BUILD)/tests/mutated && mkdir -p $(BUILD)/tests/mutated
	tests/bundles/cases.py --make $(BUILD)/tests/mutated
	$< $(abspath $(BUILD)/tests/mutated) $(MUTATIONS)
bundle-tests: $(BUILD)/pome
	tests/bundles/cases.py $(BUILD)/pome
	tests/bundles/keys.py $(BUILD)/pome
	+$(MAKE) -j$(JOBS) BUILD=$(BUILD)-asan SAN=address,undefined OPT=-O1 mutations

# Bare-metal guests: A64 code, so always clang and lld.
GUESTS := $(patsubst tests/guest/%.c,$(BUILD)/guest/%.elf,$(wildcard tests/guest/t_*.c))
GUEST_CFLAGS = --target=aarch64-none-elf -march=armv8-a -mgeneral-regs-only -mstrict-align -O2 -ffreestanding -fno-pic \
	-fno-stack-protector -nostdlib -static -Wall -Wextra -Wno-unused-parameter $(WERROR) \
	--ld-path=$(GUESTLD) -Wl,-T,tests/guest/guest.ld -Wl,--build-id=none
$(BUILD)/guest/%.elf: tests/guest/%.c tests/guest/guest.c tests/guest/guest.h tests/guest/start.S tests/guest/guest.ld
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(GUEST_CFLAGS) -o $@ tests/guest/start.S tests/guest/guest.c $< $(GUEST_MORE)
$(BUILD)/guest/t_vmapple.elf: GUEST_MORE = tests/guest/apple.c
$(BUILD)/guest/t_vmapple.elf: tests/guest/apple.c tests/guest/apple.h
$(BUILD)/guest/x_%.elf: tests/kvm/x_%.c tests/guest/guest.c tests/guest/guest.h tests/guest/start.S tests/guest/guest.ld
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(GUEST_CFLAGS) -Itests/guest -o $@ tests/guest/start.S tests/guest/guest.c $<
$(BUILD)/guest/g_%.elf: tests/gdb/g_%.c tests/guest/guest.c tests/guest/guest.h tests/guest/start.S tests/guest/guest.ld
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(GUEST_CFLAGS) -Itests/guest -g -fno-omit-frame-pointer -o $@ tests/guest/start.S tests/guest/guest.c $<
$(BUILD)/guest/e_%.elf: tests/el1/e_%.c tests/el1/el1.h tests/guest/guest.c tests/guest/guest.h tests/guest/start.S tests/guest/guest.ld
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(GUEST_CFLAGS) -Itests/guest -o $@ tests/guest/start.S tests/guest/guest.c $<
$(BUILD)/guest/g_debug.sym: $(BUILD)/guest/g_debug.elf
	nm $< >$@
$(BUILD)/guest/rsp: tests/kvm/rsp.c
	@mkdir -p $(@D)
	$(CROSS_CC) -O2 -static -Wall -o $@ $<
BENCH_CFLAGS = $(subst -march=armv8-a -mgeneral-regs-only,-march=armv8.1-a,$(GUEST_CFLAGS))
BENCH_DEPS = tests/bench/bench.h tests/guest/guest.c tests/guest/guest.h tests/guest/start.S tests/guest/guest.ld
$(BUILD)/guest/b_%.elf: tests/bench/b_%.c $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(BENCH_CFLAGS) -o $@ tests/guest/start.S tests/guest/guest.c $<
$(BUILD)/guest/virt_%.elf: tests/bench/b_%.c $(BENCH_DEPS)
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(BENCH_CFLAGS) -DBOARD_VIRT -Wl,--defsym=LINK_BASE=0x40080000 -o $@ tests/guest/start.S tests/guest/guest.c $<
$(BUILD)/guest/g_%.elf: tests/qcow2/g_%.c tests/qcow2/disk.c tests/qcow2/disk.h tests/guest/guest.c tests/guest/guest.h \
		tests/guest/start.S tests/guest/guest.ld
	@mkdir -p $(@D)
	$(call say,GUEST)
	$(Q)$(GUESTCC) $(GUEST_CFLAGS) -Itests/guest -o $@ tests/guest/start.S tests/guest/guest.c tests/qcow2/disk.c $<
guests: $(GUESTS)
bench: all bench-guests $(BUILD)/tests/qcow2/q2 $(BUILD)/guest/g_bench.elf
	tests/debian/fetch.sh initrd
	tests/debian/rootfs.sh $(BUILD)/pome
	tests/bench/bench.py $(BENCHFLAGS) $(BUILD)
.PHONY: bench-guests
bench-guests: $(patsubst %,$(BUILD)/guest/b_%.elf,off cpu more sys) $(patsubst %,$(BUILD)/guest/virt_%.elf,cpu more sys)

# The command line: bad input above all.
cli-tests: $(BUILD)/pome
	tests/cli.sh $(BUILD)/pome

guest-tests: $(BUILD)/pome guests $(BUILD)/guest/u_usb.elf
	tests/guest/run.sh $(BUILD)/pome $(BUILD)/guest --accel interp
	tests/guest/usb.py $(BUILD)/pome $(BUILD)/guest/u_usb.elf
	tests/guest/confined.sh $(BUILD)/pome --accel interp

# The boot ROM end to end: a stage 1 and a Mach-O kernel of our own in signed images, and a hundred hostile ones.
FW_TESTS = $(BUILD)/firmware-tests
$(FW_TESTS)/ballast.bin: tests/firmware/ballast.py
	@mkdir -p $(@D)
	tests/firmware/ballast.py $@
STAGE1 = $(addprefix tests/firmware/,head.S stage1.c stage1_board.c stage1_gic.c stage1_mem.c stage1_pac.c stage1_pac.S ballast.S) \
	$(addprefix tests/guest/,start.S guest.c apple.c)
$(FW_TESTS)/stage1.elf: $(STAGE1) $(FW_TESTS)/ballast.bin tests/firmware/stage1.h tests/guest/guest.h tests/guest/apple.h \
		tests/guest/guest.ld
	$(GUESTCC) $(GUEST_CFLAGS) -Wl,--defsym=LINK_BASE=0x71000000 -Itests/guest -DBALLAST='"$(FW_TESTS)/ballast.bin"' -o $@ \
		$(STAGE1)
$(FW_TESTS)/stage1.bin: $(FW_TESTS)/stage1.elf
	$(GUESTOBJCOPY) -O binary $< $@
$(FW_TESTS)/kernel.elf: tests/firmware/kernel.S tests/firmware/kernel.c tests/firmware/kernel.ld
	@mkdir -p $(@D)
	$(GUESTCC) $(subst tests/guest/guest.ld,tests/firmware/kernel.ld,$(GUEST_CFLAGS)) -Wno-parentheses -o $@ $(filter-out %.ld,$^)
$(FW_TESTS)/stage1.img4: $(FW_TESTS)/stage1.bin $(wildcard tests/firmware/*.py)
	tests/firmware/image.py img4 $@ --stage1 $< --ecid 0x1122334455667788
firmware-guests: $(FW_TESTS)/stage1.bin $(FW_TESTS)/kernel.elf
firmware-tests: $(BUILD)/pome firmware-guests
	tests/firmware/run.py $(BUILD)/pome $(FW_TESTS)
	tests/firmware/dfu.py $(BUILD)/pome $(FW_TESTS)
	tests/firmware/tools.py $(BUILD)/pome $(FW_TESTS)

# Quick and without KVM, network or root: every unit test under ASan and UBSan.
check:
	+$(MAKE) -j$(JOBS) BUILD=$(BUILD)-asan SAN=address,undefined OPT=-O1 unit

$(BUILD)/tests/linux/perf: tests/linux/perf.c
	@mkdir -p $(@D)
	$(CROSS_CC) -O2 -static -Wall -o $@ $<
linux-tests: $(BUILD)/pome $(BUILD)/tests/linux/perf
	tests/debian/fetch.sh initrd
	tests/linux/run.sh $(BUILD)/pome
	tests/debian/fetch.sh cloud
	tests/linux/diagnose.sh $(BUILD)/pome
	tests/linux/perf.sh $(BUILD)/pome $(BUILD)/tests/linux/perf --accel interp

# The debugger's stub with gdb-multiarch and lldb; GDBFLAGS names parts (tests/gdb/run.py).
gdb-tests: $(BUILD)/pome $(BUILD)/guest/g_debug.elf $(BUILD)/guest/t_basic.elf
	tests/debian/fetch.sh initrd
	tests/gdb/run.py $(BUILD)/pome $(BUILD)/guest/g_debug.elf $(GDBFLAGS)

# Two runs with --clock insn and --seed are one.
determinism-tests: $(BUILD)/pome
	tests/debian/fetch.sh initrd
	tests/linux/determinism.sh $(BUILD)/pome

# A whole Debian with systemd. The image is made once, by pome itself.
$(BUILD)/tests/linux/fp: tests/linux/fp.c
	@mkdir -p $(@D)
	$(CROSS_CC) -O2 -static -fno-builtin -ffp-contract=off -Wall -o $@ $< -lm
debian-tests: $(BUILD)/pome $(BUILD)/tests/linux/fp
	tests/debian/rootfs.sh $(BUILD)/pome
	tests/linux/debian.py $(BUILD)/pome
	tests/linux/life.py $(BUILD)/pome
	tests/linux/fp.sh $(BUILD)/pome $(BUILD)/tests/linux/fp

# Other people's suites in that Debian: Python's, perl's and OpenSSL's own, stress-ng for ten minutes. An hour or two.
.PHONY: guest-suites
guest-suites: $(BUILD)/pome
	tests/debian/rootfs.sh $(BUILD)/pome
	tests/debian/suites.sh
	tests/linux/suites.py $(BUILD)/pome $(SUITEFLAGS)
	tests/linux/stress.py $(BUILD)/pome --cpus 2 --seconds 120 --only "cpu vecmath atomic vm mutex"

# UEFI firmware, GRUB and a Debian on --machine virt.
.PHONY: efi-tests
efi-tests: $(BUILD)/pome
	tests/debian/fetch.sh grub
	tests/debian/fetch.sh installer
	tests/debian/rootfs.sh $(BUILD)/pome
	tests/linux/efi.py $(BUILD)/pome
	tests/linux/efi_install.py $(BUILD)/pome

# The interpreter against qemu-aarch64. el0: whole cases of any class, DIFF_CASES of them; simd, mem, fp: DIFF_WORDS
# random words of each row of a class with its own corner cases. The guest is linked where no case looks for memory.
DIFF_CASES ?= 60000
DIFF_WORDS ?= 60
DIFF_SEED ?= 1
DIFF := el0 simd mem
DIFF_BIN := $(DIFF:%=$(BUILD)/tests/diff/%_guest) $(DIFF:%=$(BUILD)/tests/diff/%_host) \
	$(BUILD)/tests/diff/fp_guest $(BUILD)/tests/diff/fp_host
$(BUILD)/tests/diff/%_guest: tests/diff/%_guest.c $(wildcard tests/diff/*.h)
	@mkdir -p $(@D)
	$(CROSS_CC) -O1 -static -no-pie -Wl,-Ttext-segment=0x2ace51b70000 -Wall -o $@ $<
$(DIFF:%=$(BUILD)/tests/diff/%_host): $(BUILD)/tests/diff/%_host: $(BUILD)/tests/diff/%_host.o $(BUILD)/libpome.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -Wl,--allow-multiple-definition -o $@ $^ $(LDLIBS)
$(BUILD)/tests/diff/el0_host: $(BUILD)/tests/diff/el0_gen.o $(BUILD)/tests/diff/el0_hot.o
$(BUILD)/tests/diff/fp_host: $(BUILD)/tests/diff/fp_host.o $(BUILD)/libpome.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
diff-tests: $(DIFF_BIN)
	tests/diff/el0.sh $(BUILD)/tests/diff $(DIFF_CASES) $(DIFF_SEED)
	BUILD=$(BUILD) tests/diff/simd_diff.sh words $(DIFF_SEED) $(DIFF_WORDS)
	BUILD=$(BUILD) tests/diff/mem_diff.sh words $(DIFF_SEED) $(DIFF_WORDS)
	qemu-aarch64 -cpu max $(BUILD)/tests/diff/fp_guest $(DIFF_CASES:000=) $(DIFF_SEED) | \
		$(BUILD)/tests/diff/fp_host $(DIFF_CASES:000=) $(DIFF_SEED)

# A second opinion where pome and QEMU differ: the same cases in Arm's VIXL and in unicorn (Debian: libvixl-dev,
# libunicorn-dev), as far as they are installed.
VOTE_CASES ?= 60000
SECOND := $(if $(wildcard /usr/include/vixl),vixl) $(if $(wildcard /usr/include/unicorn),unicorn)
.PHONY: diff-vote
$(BUILD)/tests/diff/el0_vixl: tests/diff/el0_vixl.cc tests/diff/el0_case.h
	@mkdir -p $(@D)
	g++ -std=gnu++17 -O1 -Wall $(shell $(PKG_CONFIG) --cflags vixl) -o $@ $< -lvixl
$(BUILD)/tests/diff/el0_unicorn: tests/diff/el0_unicorn.c tests/diff/el0_case.h
	@mkdir -p $(@D)
	gcc -std=gnu11 -O1 -Wall -o $@ $< -lunicorn
diff-vote: $(BUILD)/tests/diff/el0_guest $(BUILD)/tests/diff/el0_host $(SECOND:%=$(BUILD)/tests/diff/el0_%)
	tests/diff/el0_vote.sh $(BUILD)/tests/diff $(VOTE_CASES) $(DIFF_SEED)

# EL1: the same bare-metal images on pome and on qemu-system-aarch64. EL1FLAGS names some of them.
EL1_GUESTS := $(patsubst tests/el1/%.c,$(BUILD)/guest/%.elf,$(wildcard tests/el1/e_*.c))
.PHONY: el1-tests
el1-tests: $(BUILD)/pome $(EL1_GUESTS)
	tests/el1/run.sh $(BUILD)/pome $(BUILD)/guest $(EL1FLAGS)

# Every word: decoded once (a few minutes), and random pieces of code run at EL0 and EL1.
INSN_SEED ?= 1
INSN_COUNT ?= 1000000
$(BUILD)/tests/tools/insn: $(BUILD)/tests/tools/insn.o $(BUILD)/tests/unit/fake.o $(BUILD)/libpome.a
	$(CC) $(LDFLAGS) -Wl,--allow-multiple-definition -o $@ $^ -lcmocka $(LDLIBS)
insn-walk: $(BUILD)/tests/tools/insn
	$< walk
insn-tests:
	+$(MAKE) -j$(JOBS) BUILD=$(BUILD)-asan SAN=address,undefined OPT=-O1 $(BUILD)-asan/tests/tools/insn
	$(BUILD)-asan/tests/tools/insn exec $(INSN_SEED) $(INSN_COUNT)

# A pome that counts handlers, pairs and triples (src/interp/profile.h): what fuse.def is chosen by.
.PHONY: profile
profile:
	+CPPFLAGS=-DPROFILE $(MAKE) -j$(JOBS) BUILD=$(BUILD)-profile all
	@echo "now: POME_PROFILE=FILE $(BUILD)-profile/pome run ...; tests/bench/profile.py $(BUILD)-profile/pome FILE"
# And what a Linux boot and a few commands come to.
.PHONY: profile-boot
profile-boot: profile
	tests/debian/fetch.sh initrd
	tests/bench/profile.sh $(BUILD)-profile/pome $(PROFILEFLAGS)

# For each row of a64.def the tests that execute it.
coverage-list:
	+CPPFLAGS=-DROW_COVER $(MAKE) -j$(JOBS) BUILD=$(BUILD)-rows coverage-build
	tests/tools/coverage.sh $(BUILD)-rows $(COVERAGEFLAGS)
coverage-build: all guests $(UNIT:%=$(BUILD)/tests/unit/%) $(DIFF_BIN) $(BUILD)/tests/tools/insn

# KVM: on this machine where it is aarch64 and has it, else on emulated hosts. KVMFLAGS names parts (tests/kvm/suite.sh);
# `quick` is what `make test` has time for. Without a kernel and without a way to one it is skipped, and says so.
KVM_GUESTS = $(GUESTS) $(patsubst tests/kvm/%.c,$(BUILD)/guest/%.elf,$(wildcard tests/kvm/x_*.c)) $(FW_TESTS)/stage1.img4 \
	$(BUILD)/guest/g_debug.elf $(BUILD)/guest/g_debug.sym $(BUILD)/guest/rsp
KVM_SKIPPED = make kvm: skipped: no kernel for its host in the cache, and none to be had
ifeq ($(ARCH),aarch64)
kvm: all $(KVM_GUESTS) $(UNIT:%=$(BUILD)/tests/unit/%)
	@if ! tests/kvm/host.sh fetch; then echo "$(KVM_SKIPPED)"; \
	elif $(BUILD)/pome check | grep -q '^kvm *yes'; then tests/kvm/run.sh $(BUILD) $(KVMFLAGS); \
	else $(MAKE) kvm-emulated; fi
else
kvm: $(KVM_GUESTS)
	@if tests/kvm/host.sh fetch && tests/debian/fetch.sh sysroot; then $(MAKE) kvm-emulated; else \
		echo "$(KVM_SKIPPED)"; fi
endif
kvm-emulated: aarch64 $(KVM_GUESTS)
	+$(A64_MAKE) $(A64_UNIT:%=$(A64)/tests/unit/%)
	@OBJCOPY=$(GUESTOBJCOPY) tests/kvm/tree.sh $(SYSROOT) $(A64)/tests-root kvm/unit $(A64_UNIT:%=$(A64)/tests/unit/%)
	tests/kvm/run.sh $(BUILD) $(KVMFLAGS)

# The cross builds, with clang and Debian's own libraries; on an aarch64 host too. build/aarch64/root and
# build/riscv64/root are trees to copy over the root of any Linux of that architecture.
SYSROOT = $(or $(POME_CACHE),build/debian)/sysroot
A64 = $(BUILD)/aarch64
A64_MAKE = $(call cross_make,$(A64),aarch64-linux-gnu,$(SYSROOT))
SYSROOT_RV = $(SYSROOT)-riscv64
RV64 = $(BUILD)/riscv64
RV64_MAKE = $(call cross_make,$(RV64),riscv64-linux-gnu,$(SYSROOT_RV))
# BUILD TRIPLE SYSROOT: this machine's -I of libraries become the sysroot's
cross_make = $(MAKE) -j$(JOBS) BUILD=$(1) PKG_CFLAGS="$(PKG_CFLAGS:-I/%=-I$(abspath $(3))/%)" \
	CC="$(GUESTCC) --target=$(2) --sysroot=$(abspath $(3))" \
	PKG_LIBS="--ld-path=$(GUESTLD) $(filter -l%,$(PKG_LIBS))"
aarch64:
	tests/debian/fetch.sh sysroot
	+$(A64_MAKE) all
	OBJCOPY=$(GUESTOBJCOPY) tests/kvm/tree.sh $(SYSROOT) $(A64)/root usr/bin $(A64)/pome
riscv64:
	tests/debian/fetch.sh sysroot-riscv64
	+$(RV64_MAKE) all
	OBJCOPY=$(GUESTOBJCOPY) tests/kvm/tree.sh $(SYSROOT_RV) $(RV64)/root usr/bin $(RV64)/pome

# Both of them under qemu-user: bare-metal guests and a Linux boot. qemu-user has no seccomp, so the sandbox is off.
# Before that, hosts that include/host.h refuses: big-endian ones and those of 32 bits.
portable-tests: guests aarch64 riscv64
	$(GUESTCC) --target=powerpc64-linux-gnu -fsyntax-only -x c include/host.h 2>&1 | grep 'pome runs on little-endian hosts'
	$(GUESTCC) --target=i386-linux-gnu -fsyntax-only -x c include/host.h 2>&1 | grep 'pome runs on 64-bit hosts'
	$(GUESTCC) --target=riscv64-linux-gnu -fsyntax-only -x c include/host.h
	tests/tools/ordering.sh $(A64)/pome
	tests/debian/fetch.sh initrd
	tests/kvm/portable.sh $(A64)/root qemu-aarch64 $(BUILD)/guest
	tests/kvm/portable.sh $(RV64)/root qemu-riscv64 $(BUILD)/guest

# Fuzzing: libFuzzer targets, one a device or parser. `make fuzz` replays the corpora and adds FUZZ_SECONDS a target.
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_SECONDS ?= 10
FUZZ_BUILD := $(BUILD)-fuzz
$(FUZZ_BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_BUILD)/libpome.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(FUZZ_BUILD)/tests/unit/fake.o $(FUZZ_BUILD)/libpome.a \
		-lcmocka $(LDLIBS)
fuzz-targets: $(FUZZ:%=$(FUZZ_BUILD)/fuzz/%)
fuzz-build:
	+$(MAKE) -j$(JOBS) CC=$(GUESTCC) BUILD=$(FUZZ_BUILD) FUZZ_BUILD=$(FUZZ_BUILD) SAN=fuzzer-no-link,address,undefined \
		OPT=-O1 $(FUZZ_BUILD)/libpome.a $(FUZZ_BUILD)/tests/unit/fake.o fuzz-targets
fuzz: fuzz-build
	tests/fuzz/run.sh $(FUZZ_BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ)
fuzz-replay: fuzz-build
	tests/fuzz/run.sh $(FUZZ_BUILD)/fuzz 0 $(FUZZ)

# Threads: unit tests and guests with several CPUs under ThreadSanitizer (the sandbox would stop its reports).
tsan: guests $(BUILD)/guest/g_debug.elf
	+UNIT_SECONDS=1500 $(MAKE) -j$(JOBS) BUILD=$(BUILD)-tsan SAN=thread OPT=-O1 UNIT_SKIP=sandbox unit all
	TSAN_OPTIONS="suppressions=tests/tsan.supp" GUEST_SECONDS=400 \
		tests/guest/run.sh $(BUILD)-tsan/pome $(BUILD)/guest --sandbox off --append slow-host
	TSAN_OPTIONS="suppressions=tests/tsan.supp" POMEFLAGS="--sandbox off" \
		tests/gdb/run.py $(BUILD)-tsan/pome $(BUILD)/guest/g_debug.elf bare life raw

# Warnings of both compilers as errors, then clang-tidy's analysis where it is installed.
lint:
	+$(MAKE) -j$(JOBS) CC=$(GUESTCC) BUILD=$(BUILD)-lint WERROR=-Werror OPT=-O1 all
	+$(MAKE) -j$(JOBS) CC=gcc BUILD=$(BUILD)-lint-gcc WERROR=-Werror OPT=-O1 all
	@tests/lint.sh

test: deps
	+$(MAKE) -j$(JOBS) all guests
	$(MAKE) check
	$(MAKE) guest-tests
	$(MAKE) firmware-tests
	$(MAKE) cli-tests
	tests/bundles/cases.py $(BUILD)/pome
	tests/bundles/keys.py $(BUILD)/pome
	$(MAKE) diff-tests
	$(MAKE) el1-tests
	$(MAKE) linux-tests
	$(MAKE) gdb-tests
	$(MAKE) qcow2-tests QCOW2FLAGS="turns backing ephemeral locks refuse"
	$(MAKE) disk-tests
	$(MAKE) kill-tests
	$(MAKE) kvm KVMFLAGS=quick
	$(MAKE) fuzz-replay
	@echo "make test: all passed"

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

deps:
	tests/deps.sh

# The demonstration: a Debian kernel and a small initial RAM disk, in a bundle.
run: deps
	$(MAKE) all
	tests/debian/fetch.sh bundle $(BUILD)/debian-bundle
	$(BUILD)/pome run $(RUNFLAGS) $(BUILD)/debian-bundle

install: all
	install -D -m 755 $(BUILD)/pome $(DESTDIR)$(PREFIX)/bin/pome
	install -D -m 644 man/pome.1 $(DESTDIR)$(PREFIX)/share/man/man1/pome.1
	install -D -m 644 man/pome-bundle.5 $(DESTDIR)$(PREFIX)/share/man/man5/pome-bundle.5
	install -D -m 644 completion/pome.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pome
	install -D -m 644 completion/_pome $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_pome
	install -D -m 644 man/pome-devices.7 $(DESTDIR)$(PREFIX)/share/man/man7/pome-devices.7
	install -D -m 644 man/pome-vmapple.7 $(DESTDIR)$(PREFIX)/share/man/man7/pome-vmapple.7

clean:
	rm -rf build build-*

-include $(ROM_OBJ:.o=.d) $(DIFF:%=$(BUILD)/tests/diff/%_host.d) $(BUILD)/tests/diff/el0_gen.d $(BUILD)/tests/diff/el0_hot.d $(OBJ:.o=.d) $(UNIT:%=$(BUILD)/tests/unit/%.d) \
	$(FUZZ:%=$(FUZZ_BUILD)/fuzz/%.d)
