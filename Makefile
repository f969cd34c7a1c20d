# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The front door: `make help` lists what it does. The kernel's build reads Kbuild, not this file.

MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)

.PHONY: all
all: module userspace

include drivers/net/shmnet/module.mk
include userspace/userspace.mk
include tests/tests.mk
include tools/install.mk

.PHONY: help
help:
	@sed 's/^|//' docs/make-help.txt

# What the other targets install, by groups of tools/deps/install. YES=1 does not ask.
.PHONY: deps deps-build deps-lab deps-test deps-routing deps-load deps-bench deps-kernel
deps:
	@tools/deps/install build lab test routing
deps-build deps-lab deps-test deps-routing deps-load deps-bench deps-kernel:
	@tools/deps/install $(@:deps-%=%)

.PHONY: demo demo-global demo-ospf
demo-ospf: deps-routing
demo demo-global demo-ospf: deps-demo
	$(Q)$(MAKE) module KERNEL=$(DEMO_KERNEL) userspace
	$(Q)tools/demo/$@ $(DEMO_KERNEL)
deps-demo:
	@tools/deps/install build lab
DEMO_KERNEL ?= 6.1

.PHONY: check
check: deps deps-load
	$(Q)tests/check

.PHONY: clean
clean:
	rm -rf build
