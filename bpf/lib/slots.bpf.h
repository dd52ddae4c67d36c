/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A ring of slots of one size in memory that user space shares. The kernel's own ring buffer takes
 * a lock and two calls for a record, a third of what a record costs; here a slot is taken with one
 * instruction. Needs atomic instructions of Linux 5.12.
 */
#ifndef ATTRIBUTION_SLOTS_BPF_H
#define ATTRIBUTION_SLOTS_BPF_H

#define SLOT_ATTEMPTS 2

/* Of one position there is one taker, also where a program is interrupted by another. */
static __always_inline bool take_slot(__u64 *position)
{
#pragma unroll
	for (int attempt = 0; attempt < SLOT_ATTEMPTS; attempt++) {
		__u64 taken = *(volatile __u64 *)&shared.slots_taken;

		if (taken - *(volatile __u64 *)&shared.slots_read > config.slot_mask)
			return false;
		if (__sync_val_compare_and_swap(&shared.slots_taken, taken, taken + 1) == taken) {
			*position = taken;
			return true;
		}
	}
	return false;
}

static __always_inline struct attribution_slot *slot_at(__u64 position)
{
	__u32 index = position & config.slot_mask;

	return bpf_map_lookup_elem(&send_slots, &index);
}

/* Nothing of the record may become visible after this. */
static __always_inline void publish_slot(struct attribution_slot *slot, __u64 position)
{
#if defined(__TARGET_ARCH_x86)
	/* Stores are not reordered there. */
	barrier();
	*(volatile __u32 *)&slot->record.sequence = position + 1;
#else
	__sync_lock_test_and_set(&slot->record.sequence, (__u32)(position + 1));
#endif
}

#endif
