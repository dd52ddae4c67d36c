#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H
/* What Swift's Glibc module leaves out. */
#include <asm/unistd.h>
#include <linux/if_packet.h>
#include <linux/memfd.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>

/* <sched.h>, <fcntl.h> and <sys/mman.h> declare these for _GNU_SOURCE only, which Glibc's module is built without. */
int setns(int descriptor, int kind);
int unshare(int flags);
int open_by_handle_at(int mount, void *handle, int flags);
int memfd_create(const char *name, unsigned int flags);
#endif
