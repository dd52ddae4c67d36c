/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What processes send past cgroup egress: frames of AF_PACKET sockets, and packets that IPVS gives
 * to a server. Other senders' queues run in whatever context comes by, so the guard decides.
 */
#ifndef ATTRIBUTION_FRAME_BPF_H
#define ATTRIBUTION_FRAME_BPF_H

#include "guard.bpf.h"
#include "network.bpf.h"
#include "task.bpf.h"

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
	if (!has_devices_above(device))
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
	struct task_struct *sender = current_task(false);
	struct network network;
	enum attribution_proof proof;

	/* From a device above it comes in anybody's context. */
	if (has_devices_above(skb->dev) || !is_wanted_device(skb) ||
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

#endif
