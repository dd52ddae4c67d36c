#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H
/* What Swift's Glibc module leaves out. */
#include <asm/unistd.h>
#include <linux/if_tun.h>
#include <linux/ioctl.h>
#include <linux/kcmp.h>
#include <linux/if_packet.h>
#include <linux/memfd.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sys/vfs.h>

/* <sched.h>, <fcntl.h> and <sys/mman.h> declare these for _GNU_SOURCE only, which Glibc's module is
 * built without. */
int setns(int descriptor, int kind);
int unshare(int flags);
int open_by_handle_at(int mount, void *handle, int flags);
int memfd_create(const char *name, unsigned int flags);

/* Swift cannot call functions with `...`. */
long syscall(long number, ...);
int ioctl(int descriptor, unsigned long request, ...);

/* The magic number of the file system, or -1. */
static inline long long clinux_file_system(int descriptor)
{
	struct statfs status;

	return fstatfs(descriptor, &status) ? -1 : (long long)(unsigned int)status.f_type;
}

static inline int clinux_pidfd_open(int pid)
{
	return (int)syscall(__NR_pidfd_open, pid, 0);
}

/* A descriptor of one thread, with a table of its own maybe (Linux 6.9). */
static inline int clinux_pidfd_open_thread(int thread)
{
	return (int)syscall(__NR_pidfd_open, thread, 0x80 /* PIDFD_THREAD, O_EXCL */);
}

/* 0 where two threads have one descriptor table, a positive number where not (kcmp(2)). */
static inline int clinux_compare_descriptor_tables(int one, int other)
{
	return (int)syscall(__NR_kcmp, one, other, KCMP_FILES, 0, 0);
}

/* A descriptor of another process as one of this process (pidfd_getfd(2), Linux 5.6). */
static inline int clinux_pidfd_getfd(int process, int descriptor)
{
	return (int)syscall(__NR_pidfd_getfd, process, descriptor, 0);
}

/* `request`: struct ifreq, of which the name is set. */
static inline int clinux_tun_getiff(int descriptor, void *request)
{
	return ioctl(descriptor, TUNGETIFF, request);
}

/* A descriptor of the network namespace that the device is in now (Linux 5.0). */
static inline int clinux_tun_getdevnetns(int descriptor)
{
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif
	return ioctl(descriptor, TUNGETDEVNETNS, 0);
}

/* `request`: struct ifreq with the name, and the address of `struct ethtool_drvinfo` as its data.
 */
static inline int clinux_ethtool(int descriptor, void *request)
{
	return ioctl(descriptor, SIOCETHTOOL, request);
}
#endif
