# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The module, out of the kernel's tree: build/modules/RELEASE/shmnet.ko, each kernel in a directory
# of its own with links to the sources, because Kbuild puts objects beside what it compiles.

MODULE_SOURCES := Kbuild tools/checks/core-object \
	$(shell find drivers/net/shmnet include/uapi -name '*.[ch]' -o -name '*.hh' -o -name '*.cc')

# $(call build_module,NAME,KDIR): in build/modules/NAME. JOBS=-j4: so many files at once; this make's own
# jobs do not reach the kernel's build.
define build_module
	$(Q)for file in $(MODULE_SOURCES); do \
		mkdir -p build/modules/$(1)/$$(dirname $$file) && \
		ln -sf $(CURDIR)/$$file build/modules/$(1)/$$file || exit 1; \
	done
	$(Q)$(MAKE) $(JOBS) $(if $(V),,-s --no-print-directory) -C $(2) M=$(CURDIR)/build/modules/$(1) $(MODULE_FLAGS) modules
endef

# The kernel to build for: KDIR= a built kernel's directory, KERNEL= an installed release, or a
# series (6.1, 6.12) that tools/kernels/fetch brings; without either, the running one.
ifneq ($(filter 6.1 6.12,$(KERNEL)),)
  KDIR = $(shell tools/kernels/fetch $(KERNEL))/lib/modules/$(RELEASE)/build
  RELEASE = $(shell tools/kernels/fetch --release $(KERNEL))
else
  KDIR ?= /lib/modules/$(or $(KERNEL),$(shell uname -r))/build
  RELEASE = $(shell make -s -C $(KDIR) kernelrelease 2>/dev/null)
endif

# FAULTS=1: a fault build, build/modules/RELEASE-faults, for tests/faults only.
ifdef FAULTS
  BUILD_NAME = $(RELEASE)-faults
  MODULE_FLAGS += SHMNET_FAULT_BUILD=1
endif

.PHONY: module
module:
	@test -e $(KDIR)/Makefile || { echo "no kernel headers at $(KDIR):" \
		"install linux-headers-$(or $(KERNEL),$(shell uname -r))," \
		"or name a kernel with KERNEL=6.1, KERNEL=RELEASE or KDIR=DIRECTORY" >&2; exit 1; }
	@echo "  MODULE  $(RELEASE)"
	$(call build_module,$(or $(BUILD_NAME),$(RELEASE)),$(KDIR))

.PHONY: modules
modules:
	$(Q)$(MAKE) module KERNEL=6.1
	$(Q)$(MAKE) module KERNEL=6.12
