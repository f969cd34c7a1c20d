// SPDX-License-Identifier: GPL-2.0-only
/*
 * What debug kernels are there to find, on purpose: one fault for each time that this is loaded. A
 * checker that is not there, or off, is noticed by it (tests/debug/check).
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *fault = "none";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "leak, use_after_free, bounds, shift, race, object, sleep or lock_order");

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static unsigned int shared;
static unsigned int numbers[4];

static void use(unsigned long value)
{
	OPTIMIZER_HIDE_VAR(value);
}

/* Several: a word somewhere may look as if it pointed to one. */
static void leak(void)
{
	int i;

	for (i = 0; i < 16; i++)
		use((unsigned long)kmalloc(64, GFP_KERNEL));
}

static void use_after_free(void)
{
	u8 *bytes = kzalloc(64, GFP_KERNEL);

	if (!bytes)
		return;
	kfree(bytes);
	OPTIMIZER_HIDE_VAR(bytes);
	use(READ_ONCE(*bytes));
}

static void bounds(void)
{
	unsigned int index = ARRAY_SIZE(numbers);

	OPTIMIZER_HIDE_VAR(index);
	use(numbers[index]);
}

static void shift(void)
{
	int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	use(1U << bits);
}

static int racer(void *unused)
{
	while (!kthread_should_stop()) {
		shared++;
		barrier();
		cond_resched();
	}
	return 0;
}

static void race(void)
{
	struct task_struct *one = kthread_run(racer, NULL, "racer-1");
	struct task_struct *other = kthread_run(racer, NULL, "racer-2");

	msleep(5000);
	if (!IS_ERR(one))
		kthread_stop(one);
	if (!IS_ERR(other))
		kthread_stop(other);
}

static void nothing(struct timer_list *unused)
{
}

/* Freed while its timer runs; which the checker then stops. */
static void object(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

static void sleep(void)
{
	spin_lock(&lock_a);
	might_sleep();
	spin_unlock(&lock_a);
}

static void lock_order(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static const struct {
	const char *name;
	void (*function)(void);
} faults[] = {
	{"leak", leak},
	{"use_after_free", use_after_free},
	{"bounds", bounds},
	{"shift", shift},
	{"race", race},
	{"object", object},
	{"sleep", sleep},
	{"lock_order", lock_order},
};

static int __init seeds_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (strcmp(fault, faults[i].name))
			continue;
		faults[i].function();
		return 0;
	}
	pr_err("seeds: there is no fault %s\n", fault);
	return -EINVAL;
}

static void __exit seeds_exit(void)
{
}

module_init(seeds_init);
module_exit(seeds_exit);

MODULE_DESCRIPTION("Faults that debug kernels must find");
MODULE_LICENSE("GPL");
