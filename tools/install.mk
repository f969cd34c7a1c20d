# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Installing: the module for the kernel that `make module` builds for, and what users call.

PREFIX ?= /usr/local
INSTALL ?= install
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
LINK_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/network
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man
UNITS := $(wildcard userspace/systemd/*.service userspace/systemd/*.socket)
LINKS := $(wildcard userspace/udev/*.link)
# The lab is a tool of the checkout.
MAN_PAGES := $(filter-out docs/man/shmlab.1,$(wildcard docs/man/*.[1-9]))

# Without its headers a kernel does not tell its release: uninstalling then goes by the name given.
INSTALL_RELEASE = $(or $(RELEASE),$(KERNEL),$(shell uname -r))
MODULE_DIR = $(DESTDIR)/lib/modules/$(INSTALL_RELEASE)/updates

# An image that is being made (DESTDIR) gets its modules.dep when its own kernel is installed; of a
# kernel that is gone nothing is left to be indexed.
define depmod
	$(if $(DESTDIR),,[ ! -e /lib/modules/$(INSTALL_RELEASE)/modules.order ] || \
		depmod $(INSTALL_RELEASE))
endef

.PHONY: may-install
may-install:
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -eq 0 ] || { echo "make: this changes the system:" \
		"run it as root, or name a directory with DESTDIR=DIRECTORY" >&2; exit 1; }

.PHONY: install
install: may-install
	$(Q)$(MAKE) --no-print-directory module userspace
	$(INSTALL) -D -m 644 build/modules/$(INSTALL_RELEASE)/shmnet.ko $(MODULE_DIR)/shmnet.ko
	$(INSTALL) -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(BUILD)/bin/shmnet-hub $(BUILD)/bin/shmnetd
	$(INSTALL) -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/bin/shmnetctl
	$(INSTALL) -D -m 644 -t $(UNIT_DIR) $(UNITS)
	sed -i 's,@PREFIX@,$(PREFIX),g' $(UNITS:userspace/systemd/%=$(UNIT_DIR)/%)
	$(INSTALL) -D -m 644 -t $(LINK_DIR) $(LINKS)
	for page in $(MAN_PAGES); do \
		$(INSTALL) -D -m 644 $$page $(MAN_DIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	$(depmod)

# What else may lie in these directories stays, and so do they.
.PHONY: uninstall
uninstall: may-install
	rm -f $(MODULE_DIR)/shmnet.ko $(addprefix $(DESTDIR)$(PREFIX)/,sbin/shmnet-hub sbin/shmnetd \
		bin/shmnetctl)
	rm -f $(UNITS:userspace/systemd/%=$(UNIT_DIR)/%) $(LINKS:userspace/udev/%=$(LINK_DIR)/%)
	for page in $(MAN_PAGES); do rm -f $(MAN_DIR)/man$${page##*.}/$${page##*/}; done
	$(depmod)
