/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * net_dev_queue: every packet on its way to a device. Here only for what never passes cgroup
 * egress: packets made on AF_PACKET sockets, forwarded packets, and those that the kernel makes
 * without any socket. The current task is no evidence here unless the guard says so: other senders'
 * queues run in whatever context comes by.
 */
#ifndef ATTRIBUTION_TRANSMIT_BPF_H
#define ATTRIBUTION_TRANSMIT_BPF_H

#include "guard.bpf.h"
#include "headers.bpf.h"
#include "task.bpf.h"
#include "translation.bpf.h"

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

static __always_inline void record_frame(struct sk_buff *skb, const struct network *network,
					 struct task_struct *sender, enum attribution_proof proof,
					 __u64 cookie, enum attribution_path path,
					 const __u32 capacity)
{
	struct attribution_send *record =
		bpf_ringbuf_reserve(&send_records, sizeof(*record) + capacity, 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_SEND);
		return;
	}
	record->time = bpf_ktime_get_boot_ns();
	record->socket_cookie = cookie;
	record->path = path;
	record->proof = proof;
	record->socket = 0;
	record->translated = 0;
	describe_task(&record->sender, sender, false);
	copy_network(&record->packet, AFTER(record), skb, network, capacity);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/*
 * A bridge, VLAN or macvlan shows a packet again at the device below, from any context: behind a
 * slow queue that of another sender on the same socket, whom the guard would accept. At a device
 * with others above it, only frames of sockets bound to this very device are taken.
 */
static __always_inline bool may_come_from_above(struct net_device *device, struct sock *sk)
{
	struct list_head *above = BPF_CORE_READ(device, adj_list.upper.next);
	__u64 none = (__u64)__builtin_preserve_access_index(&device->adj_list.upper);

	if ((__u64)above == none)
		return false;
	if (!bpf_core_type_exists(struct packet_sock))
		return true;
	return BPF_CORE_READ((struct packet_sock *)sk, ifindex) != BPF_CORE_READ(device, ifindex);
}

static __noinline void packet_socket_frame(struct sk_buff *skb, struct sock *sk)
{
	struct task_struct *sender = current_task(false);
	__u32 offset = user_frame_offset(skb);
	struct network network;
	enum attribution_proof proof;
	__u64 cookie;

	if (skb->dev->nd_net.net != sk->__sk_common.skc_net.net || !is_wanted_device(skb) ||
	    may_come_from_above(skb->dev, sk))
		return;
	if (!locate_network(&network, skb, offset) && !locate_ring_frame(&network, skb, offset))
		return;
	if (!(memory_protocol(network.header) & config.protocols))
		return;
	proof = prove(&sender, sk, false);
	if (proof == ATTRIBUTION_PROOF_REJECTED || proof == ATTRIBUTION_PROOF_REINJECTED)
		return;
	/* 0 where nobody asked for it yet: the helper that makes one is not for this hook. */
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (config.snap_length <= ATTRIBUTION_DEFAULT_BYTES)
		record_frame(skb, &network, sender, proof, cookie, ATTRIBUTION_PATH_PACKET_SOCKET,
			     ATTRIBUTION_DEFAULT_BYTES);
	else if (network.available <= 2048 || config.snap_length <= 2048)
		record_frame(skb, &network, sender, proof, cookie, ATTRIBUTION_PATH_PACKET_SOCKET,
			     2048);
	else
		record_frame(skb, &network, sender, proof, cookie, ATTRIBUTION_PATH_PACKET_SOCKET,
			     ATTRIBUTION_MAX_BYTES);
}

/* Given by IPVS to a server: such packets of this machine's own never pass cgroup egress. */
static __always_inline bool is_balanced(struct sk_buff *skb)
{
	return bpf_core_field_exists(skb->ipvs_property) &&
	       BPF_CORE_READ_BITFIELD(skb, ipvs_property);
}

static __noinline void balanced_packet(struct sk_buff *skb, struct sock *sk)
{
	struct list_head *above = BPF_CORE_READ(skb, dev, adj_list.upper.next);
	struct net_device *device = skb->dev;
	__u64 none = (__u64)__builtin_preserve_access_index(&device->adj_list.upper);
	struct task_struct *sender = current_task(false);
	struct network network;
	enum attribution_proof proof;

	/* From a device above it comes in anybody's context. */
	if ((__u64)above != none || !is_wanted_device(skb) ||
	    BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock) ||
	    !locate_network(&network, skb, network_offset(skb)) ||
	    !(memory_protocol(network.header) & config.protocols))
		return;
	proof = prove(&sender, sk, false);
	if (proof == ATTRIBUTION_PROOF_REINJECTED)
		proof = ATTRIBUTION_PROOF_REJECTED;
	record_frame(skb, &network, sender, proof,
		     BPF_CORE_READ(sk, __sk_common.skc_cookie.counter), ATTRIBUTION_PATH_TRANSMIT,
		     ATTRIBUTION_DEFAULT_BYTES);
}

static __always_inline void note_translation(struct attribution_wire *record, struct sk_buff *skb)
{
	struct nf_conntrack_tuple *tuple;

	if (!has_conntrack(skb))
		return;
	tuple = untranslated_tuple(BPF_CORE_READ(skb, _nfct));
	if (!tuple)
		return;
	BPF_CORE_READ_INTO(&record->before_source, tuple, src.u3.all);
	BPF_CORE_READ_INTO(&record->before_destination, tuple, dst.u3.all);
	record->before_source_port = BPF_CORE_READ(tuple, src.u.all);
	record->before_destination_port = BPF_CORE_READ(tuple, dst.u.all);
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
static __always_inline bool is_due(const struct flow *flow)
{
	struct flow_times *times = bpf_map_lookup_elem(&forwarded_flows, flow);
	struct flow_times first = {.seen = bpf_jiffies64()};
	__u64 now;

	if (times) {
		if (times->seen == first.seen)
			return false;
		times->seen = first.seen;
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

static __always_inline void transmit(struct sk_buff *skb, const bool direct)
{
	struct sock *sk = skb->sk;

	if (skb->skb_iif) {
		if (config.record_forwarded)
			forwarded_packet(skb, direct);
	} else if (!sk || inner_offset(skb)) {
		/* The socket is that of the packet inside, be it of AF_PACKET. */
		packet_made_here(skb);
	} else if (sk->__sk_common.skc_family == AF_PACKET) {
		packet_socket_frame(skb, sk);
	} else if (is_balanced(skb)) {
		balanced_packet(skb, sk);
	}
}

#endif
