/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cgroup egress: after routing and POSTROUTING, before fragmentation (IPv6), neighbour and qdisc,
 * and so in the sender's own system call where anything is.
 */
#ifndef ATTRIBUTION_EGRESS_BPF_H
#define ATTRIBUTION_EGRESS_BPF_H

#include "guard.bpf.h"
#include "headers.bpf.h"
#include "leave.bpf.h"
#include "slots.bpf.h"
#include "task.bpf.h"
#include "translation.bpf.h"

/* What a cgroup program returns for a packet that may go on. */
#define PASS 1

/* A helper call for each header, but few packets have any. */
static __always_inline __u32 egress_ipv6_extensions(struct __sk_buff *context, __u8 next_header)
{
	__u32 offset = IPV6_HEADER;

	for (int count = 0; count < IPV6_MOST_HEADERS; count++) {
		__u8 header[4] = {};

		if (!ipv6_is_extension(next_header))
			break;
		if (bpf_skb_load_bytes(context, offset, header, sizeof(header)))
			return 0;
		offset += ipv6_extension_length(next_header, header[1]);
		/* A later fragment has no headers behind the fragment header. */
		if (next_header == IP_FRAGMENT && (header[2] || header[3] & 0xF8))
			return ipv6_protocol(header[0]);
		next_header = header[0];
	}
	return ipv6_protocol(next_header);
}

/* Of a packet with extension headers, or whose headers are not in the linear part. */
static __noinline __u32 egress_unusual_protocol(struct __sk_buff *context)
{
	__u8 byte = 0;

	if (context->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(context, IPV4_PROTOCOL, &byte, sizeof(byte)))
			return 0;
		return ipv4_protocol(byte);
	}
	if (context->protocol != bpf_htons(ETH_P_IPV6) ||
	    bpf_skb_load_bytes(context, IPV6_NEXT_HEADER, &byte, sizeof(byte)))
		return 0;
	return egress_ipv6_extensions(context, byte);
}

static __always_inline __u32 egress_protocol(struct __sk_buff *context)
{
	const __u8 *data = (const __u8 *)(long)context->data;
	const __u8 *end = (const __u8 *)(long)context->data_end;

	if (context->protocol == bpf_htons(ETH_P_IP) && data + IPV4_HEADER <= end)
		return ipv4_protocol(data[IPV4_PROTOCOL]);
	if (context->protocol == bpf_htons(ETH_P_IPV6) && data + IPV6_HEADER <= end &&
	    !ipv6_is_extension(data[IPV6_NEXT_HEADER]))
		return ipv6_protocol(data[IPV6_NEXT_HEADER]);
	return egress_unusual_protocol(context);
}

static __always_inline struct sk_buff *kernel_skb(struct __sk_buff *context, const bool direct)
{
	if (direct)
		return (struct sk_buff *)bpf_cast_to_kern_ctx(context);
	return (struct sk_buff *)context;
}

static __always_inline bool on_kernel_socket(struct sock *sk, const bool direct)
{
	return direct ? BPF_CORE_READ_BITFIELD(sk, sk_kern_sock)
		      : BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

/*
 * Copies the packet's begin by words where all of it lies in the linear part: for the usual short
 * packet that is cheaper than a helper call. What lies behind it in the record's room is undefined.
 */
static __always_inline bool copy_linear(struct __sk_buff *context, __u8 *bytes, __u32 wanted)
{
	const __u8 *data = (const __u8 *)(long)context->data;
	const __u8 *end = (const __u8 *)(long)context->data_end;
	__u64 tail = (__u64)wanted - 8;

	if (data + IPV4_HEADER > end || end - data < wanted)
		return false;
#pragma unroll
	for (int offset = 0; offset < ATTRIBUTION_DEFAULT_BYTES; offset += 8) {
		if (data + offset + 8 > end)
			break;
		*(__u64 *)(bytes + offset) = *(const __u64 *)(data + offset);
	}
	/* The last word overlaps the one before. The pointer that is checked has to be the one
	 * used. */
	barrier_var(tail);
	if (tail > ATTRIBUTION_DEFAULT_BYTES - 8)
		return false;
	data += tail;
	barrier_var(data);
	if (data + 8 > end)
		return false;
	*(__u64 *)(bytes + tail) = *(const __u64 *)data;
	return true;
}

/* Copies the packet's begin; `capacity` is a constant, the record's room. */
static __always_inline void copy_packet(struct attribution_packet *packet, __u8 *bytes,
					struct __sk_buff *context, struct sk_buff *skb,
					const __u32 capacity, const bool direct)
{
	__u32 length = context->len;
	__u32 wanted = config.snap_length < length ? config.snap_length : length;

	packet->netns = FIELD(direct, skb, dev, nd_net.net, ns.inum);
	packet->ifindex = context->ifindex;
	packet->length = length;
	packet->segment_size = context->gso_size;
	/* The verifier has to see the bounds on the very register that is the length. */
	barrier_var(wanted);
	if (wanted > capacity)
		wanted = capacity;
	if (wanted == 0)
		wanted = 1;
	packet->captured = wanted;
	if (capacity != ATTRIBUTION_DEFAULT_BYTES || !copy_linear(context, bytes, wanted))
		bpf_skb_load_bytes(context, 0, bytes, wanted);
}

/* The helper makes one where there is none yet. */
static __always_inline __u64 socket_cookie(struct __sk_buff *context, struct sock *sk,
					   const bool direct)
{
	__u64 cookie = FIELD(direct, sk, __sk_common.skc_cookie.counter);

	return cookie ? cookie : bpf_get_socket_cookie(context);
}

static __always_inline void record_kernel_packet(struct __sk_buff *context, struct sk_buff *skb,
						 const __u32 capacity, const bool direct)
{
	struct attribution_wire *record =
		bpf_ringbuf_reserve(&kernel_records, sizeof(*record) + capacity, 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_KERNEL);
		return;
	}
	/* After the reservation: a record behind a reader's mark is then also younger than the
	 * mark. */
	record->time = bpf_ktime_get_boot_ns();
	record->ingress_ifindex = 0;
	record->forwarded = 0;
	record->kernel_socket = 1;
	record->translated = 0;
	record->at_port = 0;
	record->inner_offset = 0;
	copy_packet(&record->packet, AFTER(record), context, skb, capacity, direct);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

struct sender {
	struct task_struct *task; /* NULL: the kernel */
	struct sock *sk;
	struct nf_conntrack_tuple *tuple; /* before translation, where there was one */
	enum attribution_proof proof;
};

/* What user space has to know of the socket before it names a re-injected packet's sender. */
static __noinline __u8 socket_state(struct sock *sk)
{
	__u8 state = 0;

	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_ESTABLISHED)
		state |= ATTRIBUTION_SOCKET_CONNECTED;
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP &&
	    BPF_CORE_READ(sk, sk_type) == SOCK_DGRAM) {
		state |= ATTRIBUTION_SOCKET_UDP;
		if (BPF_CORE_READ((struct udp_sock *)sk, encap_type))
			state |= ATTRIBUTION_SOCKET_ENCAPSULATES;
	}
	return state;
}

static __always_inline void fill_send(struct attribution_send *record, __u8 *bytes,
				      struct __sk_buff *context, struct sk_buff *skb,
				      struct sender *sender, const __u32 capacity,
				      const bool direct)
{
	/* After the reservation: a record behind a reader's mark is then also younger than the
	 * mark. */
	record->time = direct ? boot_time() : bpf_ktime_get_boot_ns();
	record->socket_cookie = socket_cookie(context, sender->sk, direct);
	record->path = ATTRIBUTION_PATH_CGROUP_EGRESS;
	record->proof = sender->proof;
	record->socket = 0;
	if (sender->proof == ATTRIBUTION_PROOF_REINJECTED)
		record->socket = socket_state(sender->sk);
	record->translated = 0;
	describe_task(&record->sender, sender->task, direct);
	copy_packet(&record->packet, bytes, context, skb, capacity, direct);
}

/* `tuple_room` is a constant: 0, or the room of the tuple before translation. */
static __always_inline void record_sent_packet(struct __sk_buff *context, struct sk_buff *skb,
					       struct sender *sender, const __u32 capacity,
					       const __u32 tuple_room, const bool direct)
{
	struct attribution_send *record =
		bpf_ringbuf_reserve(&send_records, sizeof(*record) + capacity + tuple_room, 0);

	if (!record) {
		count_lost(ATTRIBUTION_KIND_SEND);
		return;
	}
	fill_send(record, AFTER(record), context, skb, sender, capacity, direct);
	if (tuple_room && sender->tuple) {
		record->translated = 1;
		copy_tuple((struct attribution_tuple *)(AFTER(record) + capacity), sender->tuple);
	}
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* False where other CPUs were faster or no slot is free: there is the ring. */
static __always_inline bool record_in_slot(struct __sk_buff *context, struct sk_buff *skb,
					   struct sender *sender)
{
	struct attribution_slot *slot;
	__u64 position;

	if (!take_slot(&position))
		return false;
	slot = slot_at(position);
	if (!slot)
		return false;
	fill_send(&slot->record, slot->bytes, context, skb, sender, ATTRIBUTION_DEFAULT_BYTES,
		  true);
	publish_slot(slot, position);
	return true;
}

static __always_inline void record_in_ring(struct __sk_buff *context, struct sender *sender,
					   const __u32 capacity, const bool direct)
{
	struct sk_buff *skb = kernel_skb(context, direct);

	if (!sender->task)
		record_kernel_packet(context, skb, capacity, direct);
	else if (capacity != ATTRIBUTION_DEFAULT_BYTES || sender->tuple)
		record_sent_packet(context, skb, sender, capacity, sizeof(struct attribution_tuple),
				   direct);
	else
		record_sent_packet(context, skb, sender, capacity, 0, direct);
}

static __always_inline __u32 wanted_length(struct __sk_buff *context)
{
	return config.snap_length < context->len ? config.snap_length : context->len;
}

/* One of few sizes each: in a scratch buffer a CPU a softirq's packet would overwrite this one. */
static __always_inline void record_in_ring_sized(struct __sk_buff *context, struct sender *sender,
						 const bool direct)
{
	__u32 wanted = wanted_length(context);

	if (wanted <= ATTRIBUTION_DEFAULT_BYTES)
		record_in_ring(context, sender, ATTRIBUTION_DEFAULT_BYTES, direct);
	else if (wanted <= 512)
		record_in_ring(context, sender, 512, direct);
	else if (wanted <= 2048)
		record_in_ring(context, sender, 2048, direct);
	else
		record_in_ring(context, sender, ATTRIBUTION_MAX_BYTES, direct);
}

/* Not with the rest: what is executed for the usual packet lies in few lines of the cache then. */
static __noinline void record_unusual_direct(struct __sk_buff *context, struct sender *sender)
{
	record_in_ring_sized(context, sender, true);
}

static __noinline void record_unusual_portable(struct __sk_buff *context, struct sender *sender)
{
	record_in_ring_sized(context, sender, false);
}

static __always_inline void record_egress(struct __sk_buff *context, const bool direct)
{
	struct sk_buff *skb;
	struct sender sender = {};
	struct sock *sk;

	if (config.only_ifindex && context->ifindex != config.only_ifindex)
		return;
	skb = kernel_skb(context, direct);
	if (config.only_netns && FIELD(direct, skb, dev, nd_net.net, ns.inum) != config.only_netns)
		return;
	sk = FIELD(direct, skb, sk);
	if (!sk)
		return;
	if (!on_kernel_socket(sk, direct)) {
		sender.sk = sk;
		sender.task = current_task(direct);
		sender.proof = prove(&sender.task, sk, direct);
		if (has_conntrack(skb))
			sender.tuple = untranslated_tuple(FIELD(direct, skb, _nfct));
		if (direct && !sender.tuple && sender.proof == ATTRIBUTION_PROOF_SYSTEM_CALL &&
		    wanted_length(context) <= ATTRIBUTION_DEFAULT_BYTES &&
		    record_in_slot(context, skb, &sender))
			return;
	} else if (!config.record_kernel) {
		return;
	}
	if (direct)
		record_unusual_direct(context, &sender);
	else
		record_unusual_portable(context, &sender);
}

static __always_inline void egress(struct __sk_buff *context, const bool direct)
{
	LEAVE_UNLESS(egress_protocol(context) & config.protocols, PASS);
	record_egress(context, direct);
}

#endif
