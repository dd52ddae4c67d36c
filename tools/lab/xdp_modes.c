/* AF_XDP in copy mode: frames that the kernel takes from shared memory to the device's driver, past
 * every queue. */
#include "frames.h"
#include "modes.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAMES = 64 };

/* The socket's transmit and completion rings, and the memory that both speak of. */
struct outlet {
	int descriptor;
	unsigned char *memory;
	unsigned char *transmit, *completion;
	struct xdp_mmap_offsets offsets;
};

static unsigned char *map_ring(int descriptor, const struct xdp_ring_offset *offsets, size_t entry,
			       off_t ring)
{
	void *mapped = mmap(NULL, offsets->desc + FRAMES * entry, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, descriptor, ring);

	LAB_CHECK(mapped == MAP_FAILED ? -1 : 0);
	return mapped;
}

static void set_ring(int descriptor, int option)
{
	int entries = FRAMES;

	LAB_CHECK(setsockopt(descriptor, SOL_XDP, option, &entries, sizeof(entries)));
}

static void open_outlet(const struct lab_options *options, struct outlet *outlet)
{
	struct xdp_umem_reg memory = {.len = FRAMES * LAB_FRAME_ROOM, .chunk_size = LAB_FRAME_ROOM};
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = lab_interface_index(options),
	};
	socklen_t length = sizeof(outlet->offsets);

	outlet->descriptor = LAB_CHECK(socket(AF_XDP, SOCK_RAW, 0));
	outlet->memory = mmap(NULL, memory.len, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	LAB_CHECK(outlet->memory == MAP_FAILED ? -1 : 0);
	memory.addr = (uintptr_t)outlet->memory;
	LAB_CHECK(setsockopt(outlet->descriptor, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)));
	/* The kernel wants a ring to fill even of a socket that receives nothing. */
	set_ring(outlet->descriptor, XDP_UMEM_FILL_RING);
	set_ring(outlet->descriptor, XDP_UMEM_COMPLETION_RING);
	set_ring(outlet->descriptor, XDP_TX_RING);
	LAB_CHECK(getsockopt(outlet->descriptor, SOL_XDP, XDP_MMAP_OFFSETS, &outlet->offsets,
			     &length));
	outlet->transmit = map_ring(outlet->descriptor, &outlet->offsets.tx,
				    sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	outlet->completion = map_ring(outlet->descriptor, &outlet->offsets.cr, sizeof(uint64_t),
				      XDP_UMEM_PGOFF_COMPLETION_RING);
	/* A queue is given back some time after the process that had it is gone. */
	for (int tries = 0;; tries++) {
		if (!bind(outlet->descriptor, (struct sockaddr *)&address, sizeof(address)))
			break;
		LAB_CHECK(errno == EBUSY && tries < 500 ? 0 : -1);
		usleep(10000);
	}
}

static uint32_t *counter(unsigned char *ring, uint64_t offset)
{
	return (uint32_t *)(ring + offset);
}

static void transmit_xdp(void *context, unsigned int index, const unsigned char *frame,
			 size_t length)
{
	struct outlet *outlet = context;
	const struct xdp_ring_offset *offsets = &outlet->offsets.tx;
	uint64_t place = (uint64_t)(index % FRAMES) * LAB_FRAME_ROOM;
	struct xdp_desc *entries = (struct xdp_desc *)(outlet->transmit + offsets->desc);
	uint32_t *done = counter(outlet->completion, outlet->offsets.cr.producer);

	memcpy(outlet->memory + place, frame, length);
	entries[index % FRAMES] = (struct xdp_desc){.addr = place, .len = length};
	__atomic_store_n(counter(outlet->transmit, offsets->producer), index + 1, __ATOMIC_RELEASE);
	/* One at a time: the frame is reported when the driver has let go of it. */
	while (__atomic_load_n(done, __ATOMIC_ACQUIRE) <= index) {
		if (sendto(outlet->descriptor, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
			LAB_CHECK(errno == EAGAIN || errno == EBUSY || errno == ENOBUFS ? 0 : -1);
		usleep(100);
	}
	__atomic_store_n(counter(outlet->completion, outlet->offsets.cr.consumer), index + 1,
			 __ATOMIC_RELEASE);
}

static void send_xdp(const struct lab_options *options, bool echo)
{
	unsigned char from[6];
	struct outlet outlet;

	open_outlet(options, &outlet);
	lab_hardware_address(options, from);
	lab_send_frames(options, from, echo, transmit_xdp, &outlet);
}

void mode_xdp_udp(const struct lab_options *options)
{
	send_xdp(options, false);
}

void mode_xdp_echo(const struct lab_options *options)
{
	send_xdp(options, true);
}
