/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef ATTRIBUTION_HEADERS_BPF_H
#define ATTRIBUTION_HEADERS_BPF_H

/* https://www.iana.org/assignments/protocol-numbers */
#define IP_HOP_BY_HOP 0
#define IP_ICMP	      1
#define IP_UDP	      17
#define IP_ROUTING    43
#define IP_FRAGMENT   44
#define IP_AH	      51
#define IP_ICMPV6     58
#define IP_DEST_OPTS  60
#define IP_MOBILITY   135

#define IPV4_HEADER	  20
#define IPV4_PROTOCOL	  9
#define IPV6_HEADER	  40
#define IPV6_NEXT_HEADER  6
#define IPV6_MOST_HEADERS 8

static __always_inline __u32 ipv4_protocol(__u8 protocol)
{
	if (protocol == IP_UDP)
		return ATTRIBUTION_PROTOCOL_UDP;
	return protocol == IP_ICMP ? ATTRIBUTION_PROTOCOL_ICMP : 0;
}

static __always_inline __u32 ipv6_protocol(__u8 next_header)
{
	if (next_header == IP_UDP)
		return ATTRIBUTION_PROTOCOL_UDP;
	return next_header == IP_ICMPV6 ? ATTRIBUTION_PROTOCOL_ICMPV6 : 0;
}

static __always_inline bool ipv6_is_extension(__u8 next_header)
{
	switch (next_header) {
	case IP_HOP_BY_HOP:
	case IP_ROUTING:
	case IP_FRAGMENT:
	case IP_AH:
	case IP_DEST_OPTS:
	case IP_MOBILITY:
		return true;
	}
	return false;
}

/* RFC 8200, section 4; RFC 4302 counts AH's length in words of four bytes. */
static __always_inline __u32 ipv6_extension_length(__u8 next_header, __u8 length)
{
	if (next_header == IP_FRAGMENT)
		return 8;
	return next_header == IP_AH ? (length + 2) * 4 : (length + 1) * 8;
}

#endif
