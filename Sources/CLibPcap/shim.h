#ifndef CLIBPCAP_SHIM_H
#define CLIBPCAP_SHIM_H
/* <linux/bpf.h> and <pcap/bpf.h> both define struct bpf_insn; the new name keeps the two modules apart. */
#define bpf_insn pcap_bpf_insn
#include <pcap/pcap.h>
#undef bpf_insn
#endif
