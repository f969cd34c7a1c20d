// SPDX-License-Identifier: GPL-2.0-only
#include "shmnet.h"

#include <linux/module.h>
#include <net/genetlink.h>

static int __init shmnet_init(void)
{
	int err;

	shmnet_copy_init();
	err = shmnet_membership_init();
	if (err)
		return err;
	shmnet_debugfs_init();
	err = genl_register_family(&shmnet_family);
	if (err)
		goto exit_debugfs;
	err = pci_register_driver(&shmnet_pci_driver);
	if (err)
		goto unregister_family;
	return 0;

unregister_family:
	genl_unregister_family(&shmnet_family);
exit_debugfs:
	shmnet_debugfs_exit();
	shmnet_membership_exit();
	return err;
}

static void __exit shmnet_exit(void)
{
	pci_unregister_driver(&shmnet_pci_driver);
	genl_unregister_family(&shmnet_family);
	shmnet_debugfs_exit();
	shmnet_membership_exit();
}

module_init(shmnet_init);
module_exit(shmnet_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shared-memory network over ivshmem");
