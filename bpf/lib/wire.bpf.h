/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets that this machine makes without a sending process, as they leave for a device. */
#ifndef ATTRIBUTION_WIRE_BPF_H
#define ATTRIBUTION_WIRE_BPF_H

#include "network.bpf.h"
#include "translation.bpf.h"
#include "tunnel.bpf.h"

static __always_inline void note_translation(struct attribution_wire *record, struct sk_buff *skb)
{
	struct nf_conntrack_tuple *tuple;

	if (!has_conntrack(skb))
		return;
	tuple = untranslated_tuple(BPF_CORE_READ(skb, _nfct));
	if (!tuple)
		return;
	copy_tuple(&record->before, tuple);
	record->translated = 1;
}

/*
 * A bridge that floods, and a bond that broadcasts, give all ports but one a clone without the
 * packet's socket, whoever sent it.
 */
static __always_inline bool is_port(struct net_device *device)
{
	return device->flags & IFF_SLAVE ||
	       BPF_CORE_READ_BITFIELD_PROBED(device, priv_flags) & IFF_BRIDGE_PORT;
}

static __always_inline void fill_wire(struct attribution_wire *record, struct sk_buff *skb,
				      const struct network *network, const __u32 capacity)
{
	record->time = bpf_ktime_get_boot_ns();
	record->ingress_ifindex = skb->skb_iif;
	record->forwarded = skb->skb_iif != 0;
	record->kernel_socket = 0;
	record->translated = 0;
	record->at_port = !record->forwarded && is_port(skb->dev);
	if (record->forwarded)
		note_translation(record, skb);
	record->inner_offset = inner_offset(skb);
	copy_network(&record->packet, AFTER(record), skb, network, capacity);
}

static __always_inline void record_made_here(struct sk_buff *skb, const struct network *network,
					     const __u32 capacity)
{
	struct attribution_wire *record =
		bpf_ringbuf_reserve(&kernel_records, sizeof(*record) + capacity, 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_KERNEL);
		return;
	}
	fill_wire(record, skb, network, capacity);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* WireGuard's and VXLAN's outer packets, copies by TEE, fragments made by hand. */
static __noinline void packet_made_here(struct sk_buff *skb)
{
	struct network network;

	if (!config.record_kernel || !is_wanted_device(skb) ||
	    !locate_network(&network, skb, network_offset(skb)) ||
	    !(memory_protocol(network.header) & config.protocols))
		return;
	if (inner_offset(skb))
		record_made_here(skb, &network, ATTRIBUTION_ENCAPSULATED_BYTES);
	else
		record_made_here(skb, &network, ATTRIBUTION_DEFAULT_BYTES);
}

#endif
