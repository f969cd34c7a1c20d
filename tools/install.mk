# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Installing: the module for the kernel that `make module` builds for, and what users call.

PREFIX ?= /usr/local
INSTALL ?= install
MODULE_DIR = $(DESTDIR)/lib/modules/$(RELEASE)/updates
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
LINK_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/network
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man
UNITS := $(wildcard userspace/systemd/*.service userspace/systemd/*.socket)
LINKS := $(wildcard userspace/udev/*.link)
MAN_PAGES := $(wildcard docs/man/*.[1-9])

# An image that is being made (DESTDIR) gets its modules.dep when its own kernel is installed.
depmod = $(if $(DESTDIR),,depmod $(RELEASE))

.PHONY: install
install: module userspace
	$(INSTALL) -D -m 644 build/modules/$(RELEASE)/shmnet.ko $(MODULE_DIR)/shmnet.ko
	$(INSTALL) -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin build/bin/shmnet-hub
	$(INSTALL) -D -m 755 -t $(DESTDIR)$(PREFIX)/bin build/bin/shmnetctl
	$(INSTALL) -D -m 644 -t $(UNIT_DIR) $(UNITS)
	sed -i 's,@PREFIX@,$(PREFIX),g' $(UNITS:userspace/systemd/%=$(UNIT_DIR)/%)
	$(INSTALL) -D -m 644 -t $(LINK_DIR) $(LINKS)
	for page in $(MAN_PAGES); do \
		$(INSTALL) -D -m 644 $$page $(MAN_DIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	$(depmod)

.PHONY: uninstall
uninstall:
	rm -f $(MODULE_DIR)/shmnet.ko $(DESTDIR)$(PREFIX)/sbin/shmnet-hub \
		$(DESTDIR)$(PREFIX)/bin/shmnetctl
	rm -f $(UNITS:userspace/systemd/%=$(UNIT_DIR)/%) $(LINKS:userspace/udev/%=$(LINK_DIR)/%)
	for page in $(MAN_PAGES); do rm -f $(MAN_DIR)/man$${page##*.}/$${page##*/}; done
	$(depmod)
