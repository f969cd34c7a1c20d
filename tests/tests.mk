# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Unit tests: every tests/unit/NAME_test.cc becomes $(BUILD)/tests/NAME_test, which `make unit`
# runs. A test links what it uses of user space, of the tools and of tests/unit/support; those of
# the core, and the stress programs (tests/stress), are headers and link nothing of that.

UNIT_TESTS := $(patsubst tests/unit/%.cc,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.cc))
TEST_SUPPORT := $(patsubst %.cc,$(BUILD)/obj/%.o,$(wildcard tests/unit/support/*.cc))
TOOL_OBJECTS := $(patsubst %.cc,$(BUILD)/obj/%.o,\
	$(filter-out %/main.cc,$(wildcard tools/hub/*.cc tools/shmnetctl/*.cc userspace/shmnetd/*.cc)))
TEST_PACKAGES := gtest_main libsystemd libnl-genl-3.0 fmt spdlog tomlplusplus \
	prometheus-cpp-core libmicrohttpd

CORE_TESTS := $(filter $(addprefix $(BUILD)/tests/,core_% directory_% format_% flow_% geometry_% groups_% hardened_% layout_% pins_% ports_% rendezvous_% \
	membership_% ring_% service_% services_% tape_%),$(UNIT_TESTS))
STRESS_PROGRAMS := $(patsubst tests/stress/%.cc,$(BUILD)/tests/%,$(wildcard tests/stress/*.cc))

$(BUILD)/obj/tests/%.o: ALL_CXXFLAGS += -Itools -Iuserspace -Itests/unit -Itests

$(BUILD)/tests/parts.a: $(LIB_OBJECTS) $(TEST_SUPPORT) $(TOOL_OBJECTS)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar qcs $@ $^

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/tests/parts.a
	@echo "  LINK    $@"
	$(Q)$(CXX) $(ALL_CXXFLAGS) -o $@ $^ $(LDFLAGS) $$(pkg-config --libs $(TEST_PACKAGES))

# What has threads is compiled as the programs are; for the rest, compiling takes longer than running.
test_objects = $(patsubst $(BUILD)/tests/%,$(BUILD)/obj/tests/unit/%.o,$(1))
$(call test_objects,$(filter-out %_threads_test,$(CORE_TESTS))): \
	override CXXFLAGS := $(filter-out -O% -g%,$(CXXFLAGS)) -O1 -g1
$(call test_objects,$(filter-out $(CORE_TESTS),$(UNIT_TESTS))) $(TEST_SUPPORT): \
	override CXXFLAGS := $(filter-out -O%,$(CXXFLAGS)) -O0

$(CORE_TESTS): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CXX) $(ALL_CXXFLAGS) -o $@ $^ $(LDFLAGS) $$(pkg-config --libs gtest_main) -lrapidcheck

$(BUILD)/tests/core_abi_test: $(BUILD)/obj/drivers/net/shmnet/core/abi.o
# What it tells others is told to the core first.
$(BUILD)/tests/hostile_tellings_test: $(BUILD)/obj/tests/hostile/tellings.o

$(STRESS_PROGRAMS): $(BUILD)/tests/%: $(BUILD)/obj/tests/stress/%.o
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	$(Q)$(CXX) $(ALL_CXXFLAGS) -o $@ $^ $(LDFLAGS) -pthread

# A peer that breaks the rules, for guests (tests/hostile/check).
HOSTILE_PEER := $(BUILD)/tests/hostile_peer
$(HOSTILE_PEER): $(patsubst %.cc,$(BUILD)/obj/%.o,$(wildcard tests/hostile/*.cc)) $(BUILD)/tests/parts.a
	@echo "  LINK    $@"
	$(Q)$(CXX) $(ALL_CXXFLAGS) -o $@ $^ $(LDFLAGS) $$(pkg-config --libs $(filter-out gtest%,$(TEST_PACKAGES)))

# TESTS='hub_% region_%' runs some of them. The stress programs take five seconds here.
TESTS ?= %
SELECTED_TESTS = $(filter $(TESTS:%=$(BUILD)/tests/%),$(UNIT_TESTS) $(STRESS_PROGRAMS))
.PHONY: unit
unit: $(SELECTED_TESTS) $(if $(filter-out $(CORE_TESTS) $(STRESS_PROGRAMS),$(SELECTED_TESTS)),$(PROGRAMS))
	$(Q)SHMNET_BUILD=$(BUILD) RC_PARAMS='max_success=300 $(RC_PARAMS)' tests/unit/run $(SELECTED_TESTS)

# Of the core alone, by the compiler that the module has; `make check` has all others under the sanitizers.
CORE_NAMES = $(patsubst $(BUILD)/tests/%,%,$(CORE_TESTS) $(STRESS_PROGRAMS))
.PHONY: unit-core core-programs unit-programs
unit-core:
	$(Q)$(MAKE) unit TESTS='$(CORE_NAMES)'
core-programs: $(CORE_TESTS) $(STRESS_PROGRAMS) $(HOSTILE_PEER)
unit-programs: $(SELECTED_TESTS) $(HOSTILE_PEER)

# The same under the sanitizers, by the other compiler. Not vptr: it needs a descriptor for each check,
# and a test takes them away. Tests of threads are ThreadSanitizer's.
SANITIZE := -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all
.PHONY: unit-asan unit-tsan
unit-asan:
	$(Q)$(MAKE) unit BUILD=$(BUILD)/asan CXX=clang++ CXXFLAGS='-O0 -g1 $(SANITIZE)' \
		TESTS='$(patsubst $(BUILD)/tests/%,%,$(filter-out %_threads_test,$(SELECTED_TESTS)))'
unit-tsan:
	$(Q)$(MAKE) unit BUILD=$(BUILD)/tsan CXX=clang++ CXXFLAGS='-O1 -g1 -fsanitize=thread' \
		TESTS='%_threads_test %_stress'

# make stress TIME=SECONDS: each program for so long.
TIME ?= 60
.PHONY: stress
stress: $(STRESS_PROGRAMS)
	$(Q)for program in $^; do $$program --time $(TIME) || exit 1; done

# Words of the region that one thread writes over while others work on it, so many in all. It goes on
# where it was interrupted; `rm -r build/flips` begins anew.
FLIPS ?= 1000000000
.PHONY: flips
flips: $(STRESS_PROGRAMS)
	$(Q)tests/stress/flips $(FLIPS) $(STRESS_PROGRAMS)

# Two guests, and a peer that breaks the rules; ONLY='^B3': some.
.PHONY: check-hostile
check-hostile: deps
	$(Q)$(MAKE) module KERNEL=6.1
	$(Q)$(MAKE) userspace kselftest $(HOSTILE_PEER)
	$(Q)tests/hostile/check

# Fuzz programs: every tests/fuzz/NAME_fuzz.cc becomes $(BUILD)/fuzz/NAME, and one whose lines are
# counted, $(BUILD)/fuzz/coverage/NAME. make fuzz TIME=SECONDS, for all of them.
FUZZERS := $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc))
FUZZ_PROGRAMS := $(FUZZERS:%=$(BUILD)/fuzz/%)
FUZZ_COVERAGE := $(FUZZERS:%=$(BUILD)/fuzz/coverage/%)
FUZZ_CHECKS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_COUNTS := -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping
FUZZ_COMPILE = $(Q)mkdir -p $(@D) && echo "  FUZZ    $(@:$(BUILD)/fuzz/%=%)" && \
	clang++ $(MUTATED) $(ALL_CXXFLAGS) $(PACKAGE_CFLAGS) -Itests -MF $@.d -MT $@ -O1 -g1 \
		-o $@ $(filter %.cc,$^)

$(FUZZ_PROGRAMS): $(BUILD)/fuzz/%: tests/fuzz/%_fuzz.cc
	$(FUZZ_COMPILE) $(FUZZ_CHECKS) $(FUZZ_LIBRARIES)
$(FUZZ_COVERAGE): $(BUILD)/fuzz/coverage/%: tests/fuzz/%_fuzz.cc
	$(FUZZ_COMPILE) $(FUZZ_COUNTS) $(FUZZ_LIBRARIES)
FUZZ_LIB := userspace/lib
$(BUILD)/fuzz/netlink $(BUILD)/fuzz/coverage/netlink: $(FUZZ_LIB)/messages.cc
$(BUILD)/fuzz/netlink $(BUILD)/fuzz/coverage/netlink: FUZZ_LIBRARIES = $$(pkg-config --libs libnl-3.0)
$(BUILD)/fuzz/hub_state $(BUILD)/fuzz/coverage/hub_state: tools/hub/state.cc $(FUZZ_LIB)/file.cc
$(BUILD)/fuzz/hub_state $(BUILD)/fuzz/coverage/hub_state: \
	FUZZ_LIBRARIES = -Itools $$(pkg-config --libs fmt libsystemd)
-include $(wildcard $(BUILD)/fuzz/*.d $(BUILD)/fuzz/coverage/*.d)

.PHONY: fuzz
fuzz: deps-test $(FUZZ_PROGRAMS) $(FUZZ_COVERAGE)
	$(Q)tests/fuzz/run $(ARGUMENTS) $(TIME) $(FUZZ_PROGRAMS)
	$(Q)tests/fuzz/sites $(FUZZ_COVERAGE)

# Whether they find checks that are left out of the source; CASES=^tape: some.
.PHONY: fuzz-mutants
fuzz-mutants: deps-test
	$(Q)tests/fuzz/mutants $(if $(CASES),'$(CASES)')

# Schedules of the core under weak memory: every tests/explore/NAME_explore.cc becomes
# $(BUILD)/explore/NAME. The explorer itself is compiled once, for mutants too.
EXPLORE := tests/explore
EXPLORER := $(BUILD)/obj/explore
EXPLORATIONS := $(patsubst tests/explore/%_explore.cc,$(BUILD)/explore/%,\
	$(wildcard tests/explore/*_explore.cc))
EXPLORER_OBJECTS := $(EXPLORER)/explorer.o $(EXPLORER)/cases.o
EXPLORE_COMPILE = $(Q)mkdir -p $(@D) && echo "  EXPLORE $@" && \
	$(CXX) $(MUTATED) $(ALL_CXXFLAGS) -Itests -MF $@.d -MT $@ -o $@

$(EXPLORER_OBJECTS): $(EXPLORER)/%.o: tests/explore/%.cc
	$(EXPLORE_COMPILE) -c $<
$(EXPLORATIONS): $(BUILD)/explore/%: $(EXPLORE)/%_explore.cc $(EXPLORER_OBJECTS)
	$(EXPLORE_COMPILE) $(filter %.cc %.o,$^) -lfmt
-include $(wildcard $(BUILD)/explore/*.d)

.PHONY: explore explore-mutants
explore: deps-test $(EXPLORATIONS)
	$(Q)status=0; for program in $(EXPLORATIONS); do $$program $(CASES) || status=1; done; exit $$status
explore-mutants: deps-test $(EXPLORER_OBJECTS)
	$(Q)tests/explore/mutants $(if $(CASES),'$(CASES)')

# All states of the models of tapes, groups, membership and connections; CASES='^tape': some.
.PHONY: check-model
check-model: deps-test
	$(Q)tests/model/check $(if $(CASES),'$(CASES)')

# CHECKS='shellcheck files' runs some.
.PHONY: lint
lint:
	$(Q)tools/checks/lint $(CHECKS)

# The tests in guests: as they are run there, in one directory.
.PHONY: kselftest check-guests
kselftest:
	$(Q)$(MAKE) -s --no-print-directory -C tests/kselftest install \
		OUTPUT=$(CURDIR)/$(BUILD)/kselftest INSTALL_PATH=$(CURDIR)/$(BUILD)/kselftest
check-guests: deps
	$(Q)SUITES='guests-6.1 guests-6.12' tests/check

# Routing: in namespaces, and with guests, a cable that is pulled and a border router that is killed.
.PHONY: check-ospf check-ospf-failures
check-ospf: deps
	$(Q)$(MAKE) module KERNEL=6.1
	$(Q)$(MAKE) userspace kselftest
	$(Q)tests/netns/ospf_test
	$(Q)tests/netns/ospf_outside_test
	$(Q)tests/netns/ospf_quiet_test
	$(Q)tests/lab/ospf_test 6.1
	$(Q)tests/lab/regions_test 6.1

# COUNT of each failure of a border router; it goes on where it was interrupted.
COUNT ?= 10
check-ospf-failures: deps
	$(Q)$(MAKE) userspace
	$(Q)tests/netns/ospf_failures $(COUNT)
	$(Q)BFD=no tests/netns/ospf_failures $(COUNT)

# Nodes that are stopped at every labelled step; make check-faults ARGUMENTS='--seed 2 --time 3600'.
# It goes on where it was interrupted.
.PHONY: check-faults check-endurance
check-faults: deps
	$(Q)$(MAKE) module KERNEL=6.1 FAULTS=1
	$(Q)$(MAKE) userspace
	$(Q)tests/faults/check $(ARGUMENTS)

# A module loaded and unloaded 1,000 times, a guest rebooted 20 times.
check-endurance: deps
	$(Q)$(MAKE) module KERNEL=6.1 FAULTS=1
	$(Q)$(MAKE) userspace kselftest
	$(Q)tests/lab/endurance_test 1000 20

# One address of four guests, beside an ordinary host and under load.
.PHONY: check-global
check-global: deps deps-load
	$(Q)$(MAKE) module KERNEL=6.1
	$(Q)$(MAKE) userspace kselftest
	$(Q)tests/lab/global_corpus_test 6.1
	$(Q)tests/lab/global_load_test 6.1

# Guests that can write their own part only; and the kselftests there.
.PHONY: check-hardened
check-hardened: deps
	$(Q)$(MAKE) module KERNEL=6.1
	$(Q)$(MAKE) userspace kselftest
	$(Q)tests/lab/hardened_test 6.1
	$(Q)tests/guests 6.1 --hardened

# Kernels with KASAN, lockdep, kmemleak and more, and with KCSAN: into the cache, for half an hour each
# at most; and the tests on them. NAMES=kasan: one.
NAMES ?= kasan kcsan
.PHONY: debug-kernel check-debug
debug-kernel: deps-build deps-kernel
	$(Q)for name in $(NAMES); do \
		tools/kernels/debug $$name tests/debug/base.config tests/debug/$$name.config || exit 1; done
check-debug: deps debug-kernel
	$(Q)$(MAKE) userspace kselftest $(HOSTILE_PEER)
	$(Q)tests/debug/check $(NAMES)

# Interfaces that come, go and change under traffic on the kernel kasan, 2,000 times or for an hour; it
# goes on where it ended.
.PHONY: check-cycles
check-cycles: deps
	$(Q)$(MAKE) debug-kernel NAMES=kasan
	$(Q)$(MAKE) userspace kselftest
	$(Q)tests/debug/cycles $(ARGUMENTS)

# make bench ARGUMENTS='--rounds 7'
.PHONY: bench
bench: deps deps-bench
	$(Q)$(MAKE) module KERNEL=6.1
	$(Q)$(MAKE) userspace $(BUILD)/bench/flows
	$(Q)tests/bench/bench $(ARGUMENTS)

# DPDK's headers are not for C++20, and its -march would be the program's.
$(BUILD)/bench/flows: tests/bench/flows.cc tests/unit/support/flow_table_memory.hh tests/support/services.hh $(wildcard drivers/net/shmnet/core/*.hh)
	@mkdir -p $(@D)
	@echo "  CXX     $@"
	$(Q)$(CXX) $(ALL_CXXFLAGS) -Itests/unit -Itests -Wno-volatile -Wno-deprecated-declarations \
		$$(pkg-config --cflags libdpdk | sed 's/-I/-isystem /g;s/-march=[^ ]*/-mssse3/') -o $@ $< \
		-lrte_hash -lrte_eal

# Each header of the core compiles alone, hosted and freestanding, with both compilers.
.PHONY: core-headers
core-headers:
	$(Q)tools/checks/core-headers

.SECONDARY: $(UNIT_TESTS:$(BUILD)/tests/%=$(BUILD)/obj/tests/unit/%.o) \
	$(STRESS_PROGRAMS:$(BUILD)/tests/%=$(BUILD)/obj/tests/stress/%.o)
