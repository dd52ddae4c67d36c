/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that the kernel wraps into packets of its own (VXLAN, Geneve, FOU). The outer one never
 * passes cgroup egress, and it keeps the socket of whoever sent the inner one. Which process that
 * was is told by the inner packet's own send record, so the inner headers go along.
 */
#ifndef ATTRIBUTION_TUNNEL_BPF_H
#define ATTRIBUTION_TUNNEL_BPF_H

/*
 * From the outer IP header to the inner one; 0 where nothing was wrapped. The kernel notes where
 * the inner headers lie whenever it wraps a packet; skb->encapsulation it clears again where there
 * is no checksum to offload, as with echoes. In a forwarded packet the place may also be one that
 * was found when packets were merged on receipt.
 */
static __always_inline __u16 inner_offset(struct sk_buff *skb)
{
	__u32 inner = skb->inner_network_header, outer = skb->network_header;

	return inner >= outer + IPV4_HEADER ? inner - outer : 0;
}

#endif
