/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * net_dev_queue: every packet on its way to a device. Here only for what never passes cgroup
 * egress: frames of AF_PACKET sockets, forwarded packets, and those that the kernel makes without
 * any socket.
 */
#ifndef ATTRIBUTION_TRANSMIT_BPF_H
#define ATTRIBUTION_TRANSMIT_BPF_H

#include "forwarded.bpf.h"
#include "frame.bpf.h"
#include "leave.bpf.h"
#include "wire.bpf.h"

/* Most packets of this machine's sockets passed cgroup egress. */
static __always_inline bool needs_look(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	return skb->skb_iif || !sk || inner_offset(skb) ||
	       sk->__sk_common.skc_family == AF_PACKET || is_balanced(skb);
}

static __always_inline void transmit(struct sk_buff *skb, const bool direct)
{
	struct sock *sk;

	LEAVE_UNLESS(needs_look(skb), 0);
	sk = skb->sk;
	if (skb->skb_iif) {
		if (config.record_forwarded)
			forwarded_packet(skb, direct);
	} else if (!sk || inner_offset(skb)) {
		/* The socket is that of the packet inside, be it of AF_PACKET. */
		packet_made_here(skb);
	} else if (sk->__sk_common.skc_family == AF_PACKET) {
		packet_socket_frame(skb, sk);
	} else {
		balanced_packet(skb, sk);
	}
}

#endif
