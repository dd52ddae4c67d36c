#ifndef CLIBPCAP_SHIM_H
#define CLIBPCAP_SHIM_H
/* <linux/bpf.h> and <pcap/bpf.h> both define struct bpf_insn; the new name keeps the two modules apart. */
#define bpf_insn pcap_bpf_insn
#include <pcap/pcap.h>
#undef bpf_insn

#include <stdio.h>
#include <sys/types.h>

/*
 * libpcap reads savefiles from a FILE only, and fopencookie() is how to make one over decompressed or already peeked
 * bytes. The C library hides it behind _GNU_SOURCE, which Swift's own C library module is built without: so it is
 * declared here, with the layout of cookie_io_functions_t.
 */
struct clibpcap_cookie_functions {
	ssize_t (*read)(void *cookie, char *buffer, size_t size);
	ssize_t (*write)(void *cookie, const char *buffer, size_t size);
	int (*seek)(void *cookie, int64_t *position, int whence);
	int (*close)(void *cookie);
};
FILE *clibpcap_fopencookie(void *cookie, const char *mode, struct clibpcap_cookie_functions functions)
	__asm__("fopencookie");

/* <sched.h> declares it for _GNU_SOURCE only. */
int sched_getaffinity(int process, size_t size, void *set);
#endif
