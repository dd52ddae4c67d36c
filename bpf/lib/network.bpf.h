/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a packet's IP header lies, for hooks that are handed the kernel's own sk_buff, and what of
 * it is copied.
 */
#ifndef ATTRIBUTION_NETWORK_BPF_H
#define ATTRIBUTION_NETWORK_BPF_H

#include "headers.bpf.h"
#include "read.bpf.h"

#define ETHERNET_HEADER	       14
#define ETHERNET_TYPE	       12
#define VLAN_TAG	       4
#define MOST_VLAN_TAGS	       2
#define TRANSMIT_FRAGMENT_PAGE 4096

/* Where a packet's IP header lies in memory, and how much follows it in one piece. */
struct network {
	const void *header;
	__u32 length;	 /* of the whole packet, from the IP header on */
	__u32 available; /* in one piece */
};

static __always_inline __u32 linear_length(struct sk_buff *skb)
{
	return skb->len - skb->data_len;
}

/* The network header as the stack has it: right for whatever the stack itself made or forwards. */
static __always_inline bool locate_network(struct network *network, struct sk_buff *skb,
					   __u32 offset)
{
	__u32 linear = linear_length(skb);

	if (offset >= linear || offset >= skb->len)
		return false;
	network->header = (const void *)skb->data + offset;
	network->length = skb->len - offset;
	network->available = linear - offset;
	return true;
}

static __always_inline __u32 network_offset(struct sk_buff *skb)
{
	__u64 head = (__u64)skb->head, data = (__u64)skb->data, offset;

	/* Newer verifiers take these for pointers, of which 32 bits alone must not be computed. */
	barrier_var(head);
	barrier_var(data);
	offset = head + skb->network_header - data;
	barrier_var(offset);
	return offset;
}

/*
 * The offset of the IP header behind the link header of a frame that a user made: the stack knows
 * neither its protocol nor, on older kernels, of its VLAN tags.
 */
static __always_inline __u32 user_frame_offset(struct sk_buff *skb)
{
	unsigned short type = skb->dev->type;
	__u32 offset = ETHERNET_HEADER;
	__be16 protocol = 0;

	if (type != ARPHRD_ETHER && type != ARPHRD_LOOPBACK)
		return network_offset(skb);
	bpf_probe_read_kernel(&protocol, sizeof(protocol), skb->data + ETHERNET_TYPE);
	for (int tag = 0; tag < MOST_VLAN_TAGS; tag++) {
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		bpf_probe_read_kernel(&protocol, sizeof(protocol), skb->data + offset + 2);
		offset += VLAN_TAG;
	}
	return offset;
}

/*
 * PACKET_TX_RING leaves all but the link header in the ring that the user mapped. The kernel keeps
 * the address of the ring's slot with the packet, and the first fragment's offset in its page tells
 * how far behind it the data lies (net/packet/af_packet.c, tpacket_fill_skb).
 */
static __always_inline bool locate_ring_frame(struct network *network, struct sk_buff *skb,
					      __u32 offset)
{
	struct skb_shared_info *shared = (void *)skb->head + skb->end;
	__u64 slot = (__u64)BPF_CORE_READ(shared, destructor_arg) & ~3ULL;
	__u64 words[2] = {};
	__u64 data;

	if (!slot || offset >= skb->len)
		return false;
	bpf_probe_read_kernel(words, sizeof(words),
			      (void *)shared +
				      bpf_core_field_offset(struct skb_shared_info, frags));
	/* The second word is length and offset, as struct fragment has them. */
	data = slot + (((words[1] >> 32) - slot) & (TRANSMIT_FRAGMENT_PAGE - 1));
	network->header = (const void *)(data + offset - linear_length(skb));
	network->length = skb->len - offset;
	network->available = network->length;
	return true;
}

static __noinline __u32 memory_ipv6_extensions(const void *header, __u8 next_header)
{
	__u32 offset = IPV6_HEADER;

	for (int count = 0; count < IPV6_MOST_HEADERS; count++) {
		__u8 extension[4] = {};

		if (!ipv6_is_extension(next_header))
			break;
		bpf_probe_read_kernel(extension, sizeof(extension), header + offset);
		offset += ipv6_extension_length(next_header, extension[1]);
		if (next_header == IP_FRAGMENT && (extension[2] || extension[3] & 0xF8))
			return ipv6_protocol(extension[0]);
		next_header = extension[0];
	}
	return ipv6_protocol(next_header);
}

static __always_inline __u32 memory_protocol(const void *header)
{
	__u8 start[IPV4_PROTOCOL + 1] = {};

	bpf_probe_read_kernel(start, sizeof(start), header);
	if (start[0] >> 4 == 4)
		return ipv4_protocol(start[IPV4_PROTOCOL]);
	if (start[0] >> 4 != 6)
		return 0;
	if (!ipv6_is_extension(start[IPV6_NEXT_HEADER]))
		return ipv6_protocol(start[IPV6_NEXT_HEADER]);
	return memory_ipv6_extensions(header, start[IPV6_NEXT_HEADER]);
}

static __always_inline bool is_wanted_device(struct sk_buff *skb)
{
	if (config.only_ifindex && skb->dev->ifindex != config.only_ifindex)
		return false;
	return !config.only_netns || skb->dev->nd_net.net->ns.inum == config.only_netns;
}

static __always_inline void copy_network(struct attribution_packet *packet, __u8 *bytes,
					 struct sk_buff *skb, const struct network *network,
					 const __u32 capacity)
{
	struct skb_shared_info *shared = (void *)skb->head + skb->end;
	__u32 wanted = network->available;

	/* What is inside is needed for its identity, whatever is kept of the outer packet. */
	if (wanted > config.snap_length && capacity != ATTRIBUTION_ENCAPSULATED_BYTES)
		wanted = config.snap_length;
	barrier_var(wanted);
	if (wanted > capacity)
		wanted = capacity;
	packet->netns = skb->dev->nd_net.net->ns.inum;
	packet->ifindex = skb->dev->ifindex;
	packet->length = network->length;
	packet->segment_size = BPF_CORE_READ(shared, gso_size);
	if (bpf_probe_read_kernel(bytes, wanted, network->header))
		wanted = 0;
	packet->captured = wanted;
}

/* Whether a bridge, VLAN, macvlan or the like lies on a device. */
static __always_inline bool has_devices_above(struct net_device *device)
{
	struct list_head *above = BPF_CORE_READ(device, adj_list.upper.next);

	return (__u64)above != (__u64)__builtin_preserve_access_index(&device->adj_list.upper);
}

#endif
