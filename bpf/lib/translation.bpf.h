/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tuple that a packet had before this machine translated it, from the connection tracker's
 * entry that it still carries.
 */
#ifndef ATTRIBUTION_TRANSLATION_BPF_H
#define ATTRIBUTION_TRANSLATION_BPF_H

/* include/uapi/linux/netfilter/nf_conntrack_common.h */
#define CONNTRACK_INFO_MASK	7UL
#define CONNTRACK_RELATED	1
#define CONNTRACK_REPLY		3
#define CONNTRACK_RELATED_REPLY 4
#define CONNTRACK_NAT		(1UL << 4 | 1UL << 5)

/*
 * NULL where it was not translated. An error message about a connection (related) is no packet of
 * it and has another tuple.
 */
static __always_inline struct nf_conntrack_tuple *untranslated_tuple(unsigned long carried)
{
	unsigned long info = carried & CONNTRACK_INFO_MASK;
	struct nf_conn *connection = (struct nf_conn *)(carried & ~CONNTRACK_INFO_MASK);

	if (!connection || info == CONNTRACK_RELATED || info >= CONNTRACK_RELATED_REPLY)
		return NULL;
	if (!(BPF_CORE_READ(connection, status) & CONNTRACK_NAT))
		return NULL;
	return info == CONNTRACK_REPLY
		       ? __builtin_preserve_access_index(&connection->tuplehash[1].tuple)
		       : __builtin_preserve_access_index(&connection->tuplehash[0].tuple);
}

static __always_inline bool has_conntrack(struct sk_buff *skb)
{
	return bpf_core_field_exists(skb->_nfct) && bpf_core_type_exists(struct nf_conn);
}

static __always_inline void copy_tuple(struct attribution_tuple *to,
				       struct nf_conntrack_tuple *tuple)
{
	BPF_CORE_READ_INTO(&to->source, tuple, src.u3.all);
	BPF_CORE_READ_INTO(&to->destination, tuple, dst.u3.all);
	to->source_port = BPF_CORE_READ(tuple, src.u.all);
	to->destination_port = BPF_CORE_READ(tuple, dst.u.all);
}

#endif
