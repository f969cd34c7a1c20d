// SPDX-License-Identifier: GPL-2.0-only
/*
 * In fault builds only: has the whole guest stand still, panic or reboot at a labelled step
 * (core/steps.h). Written to debugfs' shmnet/fault, "STEP WAY" arms that step for once; what is
 * read there is the step that is armed, or "none". Ways:
 *
 *	pause	QEMU stops the guest, and tells its monitor; there it is killed, or told to go on
 *	panic	the kernel panics: a guest that is silent from then on, and has not ended
 *	reboot	without shutting anything down
 */
#include "shmnet.h"

#include <linux/debugfs.h>
#include <linux/reboot.h>
#include <linux/uaccess.h>

/* QEMU's pvpanic-pci: of what is written there, bit 0 says that the guest has panicked. */
#define PVPANIC_DEVICE	0x0011
#define PVPANIC_PANICKED 1

enum way { PAUSE, PANIC, REBOOT, WAYS };

static const char * const way_names[WAYS] = { "pause", "panic", "reboot" };

static const char * const step_names[SHMNET_STEP_COUNT] = {
#define SHMNET_STEP_NAME(name) #name,
	SHMNET_STEPS(SHMNET_STEP_NAME)
#undef SHMNET_STEP_NAME
};

static void __iomem *pvpanic;
static enum way armed_way;
/* SHMNET_STEP_COUNT: none. */
static atomic_t armed = ATOMIC_INIT(SHMNET_STEP_COUNT);

void shmnet_step(enum shmnet_step step)
{
	/* Of several that come here at once, one stands still. */
	if (likely(atomic_read(&armed) != step) ||
	    atomic_cmpxchg(&armed, step, SHMNET_STEP_COUNT) != step)
		return;
	switch (armed_way) {
	case PAUSE:
		iowrite8(PVPANIC_PANICKED, pvpanic);
		break;
	case PANIC:
		panic("shmnet: at %s, as was asked for", step_names[step]);
	default:
		emergency_restart();
	}
}

static ssize_t fault_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	int step = atomic_read(&armed);
	const char *name = step < SHMNET_STEP_COUNT ? step_names[step] : "none";

	return simple_read_from_buffer(to, count, offset, name, strlen(name));
}

static ssize_t fault_write(struct file *file, const char __user *from, size_t count,
			   loff_t *offset)
{
	char text[64], *words = text, *name;
	int step, way;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	words = strim(text);
	name = strsep(&words, " ");
	if (words) {
		step = match_string(step_names, SHMNET_STEP_COUNT, name);
		way = match_string(way_names, WAYS, words);
	} else {
		step = sysfs_streq(name, "none") ? SHMNET_STEP_COUNT : -EINVAL;
		way = PAUSE;
	}
	if (step < 0 || way < 0)
		return -EINVAL;
	if (way == PAUSE && !pvpanic)
		return -ENODEV;
	atomic_set(&armed, SHMNET_STEP_COUNT);
	armed_way = way;
	atomic_set_release(&armed, step);
	return count;
}

static const struct file_operations fault_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = fault_read,
	.write = fault_write,
};

void shmnet_faults_init(struct dentry *directory)
{
	struct pci_dev *pdev = pci_get_device(PCI_VENDOR_ID_REDHAT, PVPANIC_DEVICE, NULL);

	/* Beside the driver that this device has: both only ever write this byte. */
	if (pdev)
		pvpanic = pci_iomap(pdev, 0, 0);
	pci_dev_put(pdev);
	debugfs_create_file("fault", 0600, directory, NULL, &fault_fops);
	pr_warn(SHMNET_NAME ": a fault build, for tests only\n");
}

/* The directory is gone. */
void shmnet_faults_exit(void)
{
	if (pvpanic)
		iounmap(pvpanic);
	pvpanic = NULL;
}
