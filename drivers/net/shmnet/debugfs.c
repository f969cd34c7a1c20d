// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole region, read-only, for `shmnetctl region show`: while this driver holds the device,
 * user space cannot map its memory.
 */
#include "shmnet.h"

#include <linux/debugfs.h>

static struct dentry *directory;

static ssize_t region_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	const struct shmnet_device *device = file->private_data;
	loff_t from = 0;
	const void *memory;
	u64 bytes;
	ssize_t got;

	if (*offset < 0)
		return -EINVAL;
	memory = shmnet_region_at(device, *offset, &bytes);
	got = simple_read_from_buffer(to, count, &from, memory, bytes);
	if (got > 0)
		*offset += got;
	return got;
}

static const struct file_operations region_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = region_read,
	.llseek = default_llseek,
};

void shmnet_debugfs_init(void)
{
	directory = debugfs_create_dir(SHMNET_NAME, NULL);
	shmnet_faults_init(directory);
}

void shmnet_debugfs_exit(void)
{
	debugfs_remove(directory);
	shmnet_faults_exit();
}

void shmnet_debugfs_add(struct shmnet_device *device)
{
	device->debugfs = debugfs_create_dir(pci_name(device->pdev), directory);
	debugfs_create_file_size("region", 0400, device->debugfs, device, &region_fops,
				 shmnet_region_size(device));
}

void shmnet_debugfs_remove(struct shmnet_device *device)
{
	debugfs_remove(device->debugfs);
}
