#include "frames.h"
#include "modes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where a finished Ethernet frame goes: a packet socket, its ring, or a TAP device. */
struct outlet {
	int descriptor;
	struct sockaddr_ll address;
	unsigned char *ring;
	unsigned int ring_frames;
};

static void transmit_send(void *context, unsigned int index, const unsigned char *frame,
			  size_t length)
{
	struct outlet *outlet = context;

	(void)index;
	LAB_CHECK(sendto(outlet->descriptor, frame, length, 0, (struct sockaddr *)&outlet->address,
			 sizeof(outlet->address)));
}

static void transmit_write(void *context, unsigned int index, const unsigned char *frame,
			   size_t length)
{
	struct outlet *outlet = context;

	(void)index;
	LAB_CHECK(write(outlet->descriptor, frame, length));
}

static void transmit_ring(void *context, unsigned int index, const unsigned char *frame,
			  size_t length)
{
	struct outlet *outlet = context;
	unsigned char *slot = outlet->ring + (size_t)(index % outlet->ring_frames) * LAB_FRAME_ROOM;
	struct tpacket2_hdr *header = (struct tpacket2_hdr *)slot;

	while (__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE)
		usleep(100);
	memcpy(slot + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), frame, length);
	header->tp_len = length;
	__atomic_store_n(&header->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	LAB_CHECK(sendto(outlet->descriptor, NULL, 0, 0, (struct sockaddr *)&outlet->address,
			 sizeof(outlet->address)));
}

static void map_ring(struct outlet *outlet)
{
	int version = TPACKET_V2;
	struct tpacket_req request = {
		.tp_block_size = 16 * LAB_FRAME_ROOM,
		.tp_block_nr = 1,
		.tp_frame_size = LAB_FRAME_ROOM,
		.tp_frame_nr = 16,
	};

	LAB_CHECK(setsockopt(outlet->descriptor, SOL_PACKET, PACKET_VERSION, &version,
			     sizeof(version)));
	LAB_CHECK(setsockopt(outlet->descriptor, SOL_PACKET, PACKET_TX_RING, &request,
			     sizeof(request)));
	outlet->ring_frames = request.tp_frame_nr;
	outlet->ring = mmap(NULL, request.tp_block_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    outlet->descriptor, 0);
	LAB_CHECK(outlet->ring == MAP_FAILED ? -1 : 0);
}

static void send_packet_socket(const struct lab_options *options, bool echo)
{
	/* Protocol 0: a socket that only sends, and receives nothing. */
	struct outlet outlet = {
		.descriptor = LAB_CHECK(socket(AF_PACKET, SOCK_RAW, 0)),
		.address.sll_family = AF_PACKET,
		.address.sll_ifindex = lab_interface_index(options),
	};
	unsigned char from[6];

	if (options->bypass) {
		int on = 1;

		LAB_CHECK(setsockopt(outlet.descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &on,
				     sizeof(on)));
	}
	LAB_CHECK(bind(outlet.descriptor, (struct sockaddr *)&outlet.address,
		       sizeof(outlet.address)));
	if (options->tell_protocol)
		outlet.address.sll_protocol =
			htons(options->family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	lab_hardware_address(options, from);
	if (options->ring)
		map_ring(&outlet);
	lab_send_frames(options, from, echo, options->ring ? transmit_ring : transmit_send,
			&outlet);
}

void mode_packet_udp(const struct lab_options *options)
{
	send_packet_socket(options, false);
}

void mode_packet_echo(const struct lab_options *options)
{
	send_packet_socket(options, true);
}

/* Frames that come in from a host of which this machine knows nothing. */
static void send_tap(const struct lab_options *options, bool echo)
{
	static const unsigned char outside[6] = {0x02, 0, 0x5e, 0, 0x53, 0x09};
	struct outlet outlet = {.descriptor = LAB_CHECK(open("/dev/net/tun", O_RDWR))};
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", options->interface);
	LAB_CHECK(ioctl(outlet.descriptor, TUNSETIFF, &request));
	lab_wait_if_asked(options);
	lab_send_frames(options, outside, echo, transmit_write, &outlet);
	/* Without a reader the device would lose its carrier and flush what is still on its way. */
	usleep(300000);
}

void mode_tap_udp(const struct lab_options *options)
{
	send_tap(options, false);
}

void mode_tap_echo(const struct lab_options *options)
{
	send_tap(options, true);
}
