/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Forwarded packets: one record a flow and second. */
#ifndef ATTRIBUTION_FORWARDED_BPF_H
#define ATTRIBUTION_FORWARDED_BPF_H

#include "wire.bpf.h"

/* Bytes of a word as it lies in memory; the programs are built for little-endian machines. */
#define BYTE(word, index) (((word) >> (8 * (index))) & 0xFF)

/* The first bytes of the transport header that stay the same in a flow. */
static __always_inline __u32 flow_ports(const void *transport, __u32 protocol, const bool direct)
{
	__u64 start = word(transport, direct);

	if (protocol == ATTRIBUTION_PROTOCOL_UDP)
		return start;
	/* The checksum between them changes with every packet. */
	return (start & 0xFFFF) | ((start >> 32 & 0xFFFF) << 16);
}

/* Both are false for what is not recorded. */
static __always_inline bool read_ipv4_flow(struct flow *flow, const void *header, const bool direct)
{
	__u64 first = word(header, direct);
	bool later_fragment = first >> 48 & bpf_htons(0x1FFF);

	flow->protocol = ipv4_protocol(BYTE(word(header + 8, direct), IPV4_PROTOCOL - 8));
	if (!(flow->protocol & config.protocols))
		return false;
	flow->addresses[0] = word(header + 12, direct);
	if (!later_fragment)
		flow->ports = flow_ports(header + (first & 0xF) * 4, flow->protocol, direct);
	return true;
}

static __always_inline bool read_ipv6_flow(struct flow *flow, const void *header, const bool direct)
{
	__u8 next_header = BYTE(word(header, direct), IPV6_NEXT_HEADER);
	bool extended = ipv6_is_extension(next_header);

	flow->protocol =
		extended ? memory_ipv6_extensions(header, next_header) : ipv6_protocol(next_header);
	if (!(flow->protocol & config.protocols))
		return false;
	flow->addresses[0] = word(header + 8, direct);
	flow->addresses[1] = word(header + 16, direct);
	flow->addresses[2] = word(header + 24, direct);
	flow->addresses[3] = word(header + 32, direct);
	if (!extended)
		flow->ports = flow_ports(header + IPV6_HEADER, flow->protocol, direct);
	return true;
}

static __always_inline void record_forwarded(struct sk_buff *skb, const struct network *network)
{
	struct attribution_wire *record = bpf_ringbuf_reserve(
		&forwarded_records, sizeof(*record) + ATTRIBUTION_DEFAULT_BYTES, 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_FORWARDED);
		return;
	}
	fill_wire(record, skb, network, ATTRIBUTION_DEFAULT_BYTES);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* Whether a record is due; the fine clock costs as much as the lookup and is read once a tick. */
static __noinline bool is_due_by_table(const struct flow *flow, __u64 tick)
{
	struct flow_times *times = bpf_map_lookup_elem(&forwarded_flows, flow);
	struct flow_times first = {.seen = tick};
	__u64 now;

	if (times) {
		if (times->seen == tick)
			return false;
		times->seen = tick;
		now = bpf_ktime_get_boot_ns();
		if (now - times->recorded < ATTRIBUTION_FORWARD_INTERVAL_NS)
			return false;
		times->recorded = now;
		return true;
	}
	first.recorded = bpf_ktime_get_boot_ns();
	bpf_map_update_elem(&forwarded_flows, flow, &first, BPF_ANY);
	return true;
}

static __always_inline bool is_same_flow(const struct flow *one, const struct flow *other)
{
	return one->addresses[0] == other->addresses[0] && one->ports == other->ports &&
	       one->protocol == other->protocol && one->netns == other->netns &&
	       one->ingress_ifindex == other->ingress_ifindex &&
	       one->addresses[1] == other->addresses[1] &&
	       one->addresses[2] == other->addresses[2] && one->addresses[3] == other->addresses[3];
}

static __always_inline __u32 recent_index(const struct flow *flow)
{
	__u64 mixed = flow->addresses[0] ^ flow->addresses[1] ^ flow->addresses[2] ^
		      flow->addresses[3] ^ (__u64)flow->ports << 16 ^ flow->netns;

	return mixed * 0x9E3779B97F4A7C15ULL >> (64 - RECENT_FLOW_BITS);
}

static __always_inline bool is_due(const struct flow *flow)
{
	__u32 index = recent_index(flow);
	struct recent_flow *recent = bpf_map_lookup_elem(&recent_flows, &index);
	__u64 tick = bpf_jiffies64();

	if (!recent)
		return is_due_by_table(flow, tick);
	if (recent->seen == tick && is_same_flow(&recent->flow, flow))
		return false;
	recent->flow = *flow;
	recent->seen = tick;
	return is_due_by_table(flow, tick);
}

static __always_inline void forwarded_packet(struct sk_buff *skb, const bool direct)
{
	struct flow flow = {};
	struct network network;

	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return;
	if (!locate_network(&network, skb, network_offset(skb)))
		return;
	if (skb->protocol == bpf_htons(ETH_P_IP) ? !read_ipv4_flow(&flow, network.header, direct)
						 : !read_ipv6_flow(&flow, network.header, direct))
		return;
	if (!is_wanted_device(skb))
		return;
	flow.netns = skb->dev->nd_net.net->ns.inum;
	flow.ingress_ifindex = skb->skb_iif;
	if (is_due(&flow))
		record_forwarded(skb, &network);
}

#endif
