/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types, cut down to the fields that are read; CO-RE finds where they lie. Names and
 * nesting are those of Linux 5.10 to 6.18 (include/linux/{sched,skbuff,netdevice,fs,...}.h).
 */
#ifndef ATTRIBUTION_KERNEL_BPF_H
#define ATTRIBUTION_KERNEL_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
	struct list_head *next;
};

/* Any structure that begins with a number of 64 bits. */
struct timespec64 {
	__s64 tv_sec;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	struct {
		struct list_head upper;
	} adj_list;
	unsigned int flags;
	/* A bitfield from 6.12 on. */
	unsigned int priv_flags;
	int ifindex;
	unsigned short type;
	possible_net_t nd_net;
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
};

struct file;

struct socket {
	struct file *file;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	__u8 sk_kern_sock : 1;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct udp_sock {
	__u8 encap_type;
};

/* net/packet/internal.h; of a module where AF_PACKET is one. */
struct packet_sock {
	int ifindex;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	unsigned int data_len;
	__u16 inner_network_header;
	__u16 network_header;
	__be16 protocol;
	int skb_iif;
	__u8 ipvs_property : 1; /* with CONFIG_IP_VS */
	unsigned char *head;
	unsigned char *data;
	unsigned int end;
	unsigned long _nfct; /* with CONFIG_NF_CONNTRACK */
};

union nf_inet_addr {
	__u32 all[4];
};

union nf_conntrack_man_proto {
	__be16 all;
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			__be16 all;
		} u;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

/* Of the module nf_conntrack, where it is one: without it there is no such type. */
struct nf_conn {
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
};

/* {page, length, offset} on every kernel, under changing names: copied whole, never by field. */
struct fragment {
	__u64 page;
	__u32 length;
	__u32 offset;
};

struct skb_shared_info {
	unsigned short gso_size;
	void *destructor_arg;
	struct fragment frags[1];
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

struct user_namespace {
	struct ns_common ns;
};

struct cred {
	kuid_t euid;
	kgid_t egid;
	struct user_namespace *user_ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct qstr {
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned int i_nlink;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	void *private_data;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct task_struct *owner;
	struct file *exe_file;
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	struct mm_struct *mm;
	unsigned int in_execve : 1;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	struct cred *cred;
	/* A char array to the kernel: read in two words. */
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	__u64 self_exec_id;
	struct css_set *cgroups;
	struct nsproxy *nsproxy;
};

/* x86-64 */
struct pt_regs {
	unsigned long bx;
	unsigned long dx;
	unsigned long di;
	unsigned long orig_ax;
};

/* arm64 */
struct pt_regs___saved_arm64 {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD   0x00200000

#define AF_INET		  2
#define AF_INET6	  10
#define AF_NETLINK	  16
#define AF_PACKET	  17
#define SOCK_DGRAM	  2
#define SOCK_RAW	  3
#define IPPROTO_UDP	  17
#define TCP_ESTABLISHED	  1 /* also of a connected UDP socket */
#define NETLINK_NETFILTER 12
#define ETH_P_IP	  0x0800
#define ETH_P_IPV6	  0x86DD
#define ETH_P_8021Q	  0x8100
#define ETH_P_8021AD	  0x88A8
#define ARPHRD_ETHER	  1
#define ARPHRD_LOOPBACK	  772
#define IFF_SLAVE	  0x800	   /* of a bond */
#define IFF_BRIDGE_PORT	  (1 << 9) /* private flag */

#endif
