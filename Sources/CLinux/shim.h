#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H
/* What Swift's Glibc module leaves out. */
#include <asm/unistd.h>
#include <linux/if_packet.h>
#include <linux/sched.h>
#include <linux/sockios.h>

/* <sched.h> declares these for _GNU_SOURCE only, which Glibc's module is built without. */
int setns(int descriptor, int kind);
int unshare(int flags);
#endif
