#include "frames.h"

#include "headers.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SOURCE_PORT = 40001, ECHO_ID = 0x6b6b };

void lab_hardware_address(const struct lab_options *options, unsigned char *address)
{
	struct ifreq request = {0};
	int any = LAB_CHECK(socket(AF_INET, SOCK_DGRAM, 0));

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", options->interface);
	LAB_CHECK(ioctl(any, SIOCGIFHWADDR, &request));
	close(any);
	memcpy(address, request.ifr_hwaddr.sa_data, 6);
}

void lab_send_frames(const struct lab_options *options, const unsigned char *from, bool echo,
		     lab_transmit *transmit, void *outlet)
{
	unsigned char to[6], frame[LAB_FRAME_ROOM], payload[1024];

	if (options->size > sizeof(payload)) {
		fprintf(stderr, "--size is at most %zu here\n", sizeof(payload));
		exit(64);
	}
	lab_parse_mac(options->mac, to);
	for (unsigned int i = 0; i < options->count; i++) {
		struct lab_sent sent = {
			.protocol = !echo			 ? "udp"
				    : options->family == AF_INET ? "icmp"
								 : "ipv6-icmp",
			.source_port = SOURCE_PORT,
			.destination_port = options->port,
			.icmp_type = echo ? lab_echo_request_type(options->family) : -1,
			.icmp_id = ECHO_ID,
			.icmp_sequence = i + 1,
			.payload = payload,
			.length = options->size,
			.packets = 1,
		};
		size_t length = lab_ethernet_header(options->family, to, from, frame);

		lab_fill(options, options->first_counter + i, payload, options->size);
		if (echo)
			length += lab_echo_packet(options, ECHO_ID, i + 1, payload, options->size,
						  frame + length);
		else
			length += lab_udp_packet(options, SOURCE_PORT, i + 1, payload,
						 options->size, frame + length);
		transmit(outlet, i, frame, length);
		lab_report(options, &sent);
	}
}
