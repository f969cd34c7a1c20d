# SPDX-License-Identifier: GPL-2.0-only OR MIT
# User space: the library that the programs share, the programs, and how C++ is compiled.

# Another BUILD keeps objects of other flags apart:
#   make unit BUILD=build/asan CXXFLAGS='-O1 -g -fsanitize=address,undefined'
BUILD ?= build
CXX ?= g++
CXXFLAGS ?= -O2 -g
ALL_CXXFLAGS = -std=c++20 -Wall -Wextra -Werror -Iinclude/uapi -Idrivers/net/shmnet/core \
	-Iuserspace/lib $(CXXFLAGS) -MMD -MP

# $(call program,NAME,SOURCES,PKG-CONFIG NAMES,MORE LIBRARIES): builds $(BUILD)/bin/NAME.
define program
$(BUILD)/bin/$(1): $$(patsubst %.cc,$(BUILD)/obj/%.o,$(2)) $(BUILD)/userspace.a
	@mkdir -p $$(@D)
	$$(Q)$$(CXX) $$(ALL_CXXFLAGS) -o $$@ $$^ $$(LDFLAGS) \
		$$(if $(3),$$(shell pkg-config --libs $(3))) $(4)
PROGRAMS += $(BUILD)/bin/$(1)
endef

PACKAGE_CFLAGS := $(shell pkg-config --cflags libnl-3.0 libsystemd fmt spdlog tomlplusplus \
	prometheus-cpp-core libmicrohttpd)
LIB_OBJECTS := $(patsubst %.cc,$(BUILD)/obj/%.o,$(wildcard userspace/lib/*.cc))

# What a person types is in no hurry, and so takes half the time to compile.
$(patsubst %.cc,$(BUILD)/obj/%.o,$(wildcard tools/shmnetctl/*.cc)): CXXFLAGS = -O1 -g1

# An archive, so that a program links what it uses, and with it only those libraries.
$(BUILD)/userspace.a: $(LIB_OBJECTS)
	$(Q)rm -f $@ && ar rcs $@ $^

$(eval $(call program,shmnet-hub,$(wildcard tools/hub/*.cc),libsystemd fmt spdlog))
$(eval $(call program,shmnetctl,$(wildcard tools/shmnetctl/*.cc),libnl-3.0 libnl-genl-3.0 libsystemd fmt spdlog tomlplusplus))
$(eval $(call program,shmnetd,$(wildcard userspace/shmnetd/*.cc),libnl-3.0 libnl-genl-3.0 libsystemd fmt spdlog tomlplusplus \
	prometheus-cpp-core libmicrohttpd))

$(BUILD)/obj/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  CXX     $<"
	$(Q)$(CXX) $(ALL_CXXFLAGS) $(PACKAGE_CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD)/obj $(BUILD)/tests -name '*.d' 2>/dev/null)

.PHONY: userspace
userspace: $(PROGRAMS)
