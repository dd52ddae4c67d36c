/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The boot clock, for less than the helper that reads it: the monotonic one takes three quarters of
 * that, and they differ by a constant while the machine does not sleep.
 */
#ifndef ATTRIBUTION_CLOCK_BPF_H
#define ATTRIBUTION_CLOCK_BPF_H

/* A look at both clocks that took longer than this was interrupted. */
#define CLOCK_LOOK_NS 1000ULL
/* No sleep is shorter, and no uninterrupted look less exact. */
#define CLOCK_SLEEP_NS 1000000ULL

/*
 * A machine cannot fall asleep and wake within one tick, which does not go on meanwhile: whoever
 * sees a new one looks whether the difference is still the same.
 */
static __noinline __u64 boot_time_after_tick(__u64 tick)
{
	__u64 before = bpf_ktime_get_ns();
	__u64 boot = bpf_ktime_get_boot_ns();
	__u64 offset = boot - before;
	__s64 change = offset - shared.boot_offset;

	if (bpf_ktime_get_ns() - before > CLOCK_LOOK_NS)
		return boot;
	if (change > (__s64)CLOCK_SLEEP_NS || change < -(__s64)CLOCK_SLEEP_NS)
		shared.boot_offset = offset;
	barrier();
	shared.clock_tick = tick;
	return boot;
}

static __always_inline __u64 boot_time(void)
{
	__u64 tick = bpf_jiffies64();

	if (shared.clock_tick != tick)
		return boot_time_after_tick(tick);
	return bpf_ktime_get_ns() + shared.boot_offset;
}

#endif
