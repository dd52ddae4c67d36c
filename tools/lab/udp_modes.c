#define _GNU_SOURCE
#include "modes.h"

#include <arpa/inet.h>
#include <linux/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGEST 65000

int lab_udp_socket(const struct lab_options *options)
{
	int descriptor = LAB_CHECK(socket(options->family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct sockaddr_storage address;

	if (options->source_port) {
		address = lab_address(options->source, options->family, options->source_port);
		LAB_CHECK(bind(descriptor, (struct sockaddr *)&address,
			       lab_address_length(&address)));
	}
	return descriptor;
}

void lab_connect(const struct lab_options *options, int descriptor)
{
	struct sockaddr_storage address =
		lab_address(options->destination, options->family, options->port);

	LAB_CHECK(connect(descriptor, (struct sockaddr *)&address, lab_address_length(&address)));
}

static void send_unconnected(const struct lab_options *options, int descriptor)
{
	struct sockaddr_storage to =
		lab_address(options->destination, options->family, options->port);
	char *payload = malloc(options->size);

	for (unsigned int i = 0; i < options->count; i++) {
		ssize_t sent;

		lab_fill(options, options->first_counter + i, payload, options->size);
		sent = sendto(descriptor, payload, options->size, 0, (struct sockaddr *)&to,
			      lab_address_length(&to));
		/* --packets 0: a firewall is to refuse it, which the sender may be told. */
		if (options->packets)
			LAB_CHECK(sent);
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

void mode_sendto(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);

	lab_wait_if_asked(options);
	send_unconnected(options, descriptor);
}

void lab_send_connected(const struct lab_options *options, int descriptor)
{
	char *payload = malloc(options->size);

	for (unsigned int i = 0; i < options->count; i++) {
		lab_fill(options, options->first_counter + i, payload, options->size);
		LAB_CHECK(send(descriptor, payload, options->size, 0));
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

void mode_connected_send(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);

	lab_connect(options, descriptor);
	lab_wait_if_asked(options);
	lab_send_connected(options, descriptor);
}

void mode_connected_write(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	char *payload = malloc(options->size);

	lab_connect(options, descriptor);
	lab_wait_if_asked(options);
	for (unsigned int i = 0; i < options->count; i++) {
		lab_fill(options, options->first_counter + i, payload, options->size);
		LAB_CHECK(write(descriptor, payload, options->size));
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

/* The source address is chosen datagram by datagram; the socket is bound to none. */
void mode_pktinfo(const struct lab_options *options)
{
	struct sockaddr_storage to =
		lab_address(options->destination, options->family, options->port);
	struct sockaddr_storage from = lab_address(options->source, options->family, 0);
	int descriptor = LAB_CHECK(socket(options->family, SOCK_DGRAM, 0));
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	char *payload = malloc(options->size);
	struct iovec part = {.iov_base = payload, .iov_len = options->size};
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = lab_address_length(&to),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
	};
	struct cmsghdr *header = &control.header;

	memset(&control, 0, sizeof(control));
	if (options->family == AF_INET) {
		struct in_pktinfo info = {.ipi_spec_dst = ((struct sockaddr_in *)&from)->sin_addr};

		message.msg_controllen = CMSG_SPACE(sizeof(info));
		header->cmsg_level = IPPROTO_IP;
		header->cmsg_type = IP_PKTINFO;
		header->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(header), &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_addr = ((struct sockaddr_in6 *)&from)->sin6_addr};

		message.msg_controllen = CMSG_SPACE(sizeof(info));
		header->cmsg_level = IPPROTO_IPV6;
		header->cmsg_type = IPV6_PKTINFO;
		header->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(header), &info, sizeof(info));
	}
	for (unsigned int i = 0; i < options->count; i++) {
		lab_fill(options, options->first_counter + i, payload, options->size);
		LAB_CHECK(sendmsg(descriptor, &message, 0));
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

/* IPv4 packets from an IPv6 socket: the truth's addresses are IPv4. */
void mode_mapped(const struct lab_options *options)
{
	char mapped[64];
	struct sockaddr_storage to;
	int descriptor = LAB_CHECK(socket(AF_INET6, SOCK_DGRAM, 0));
	char *payload = malloc(options->size);

	snprintf(mapped, sizeof(mapped), "::ffff:%s", options->destination);
	to = lab_address(mapped, AF_INET6, options->port);
	for (unsigned int i = 0; i < options->count; i++) {
		lab_fill(options, options->first_counter + i, payload, options->size);
		LAB_CHECK(sendto(descriptor, payload, options->size, 0, (struct sockaddr *)&to,
				 lab_address_length(&to)));
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

void mode_sendmmsg(const struct lab_options *options)
{
	enum { BATCH = 64 };
	struct sockaddr_storage to =
		lab_address(options->destination, options->family, options->port);
	int descriptor = lab_udp_socket(options);
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	char *payloads = malloc((size_t)BATCH * options->size);

	for (unsigned int done = 0; done < options->count;) {
		unsigned int left = options->count - done;
		unsigned int batch = left < BATCH ? left : BATCH;
		int sent;

		for (unsigned int i = 0; i < batch; i++) {
			char *payload = payloads + (size_t)i * options->size;

			lab_fill(options, options->first_counter + done + i, payload,
				 options->size);
			parts[i] = (struct iovec){.iov_base = payload, .iov_len = options->size};
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &to,
				.msg_namelen = lab_address_length(&to),
				.msg_iov = &parts[i],
				.msg_iovlen = 1,
			};
		}
		sent = LAB_CHECK(sendmmsg(descriptor, messages, batch, 0));
		for (int i = 0; i < sent; i++)
			lab_report_udp(options, lab_local_port(descriptor), parts[i].iov_base,
				       options->size);
		done += sent;
	}
	free(payloads);
}

/* One call for `count` segments; the truth has a line a segment, or one for a device that takes it
 * whole. */
void mode_gso(const struct lab_options *options)
{
	size_t length = (size_t)options->count * options->size;
	int segment = options->size;
	int descriptor = lab_udp_socket(options);
	char *payload = malloc(length);
	struct lab_options whole = *options;

	lab_connect(options, descriptor);
	LAB_CHECK(setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)));
	for (unsigned int i = 0; i < options->count; i++)
		lab_fill(options, options->first_counter + i, payload + i * options->size,
			 options->size);
	LAB_CHECK(send(descriptor, payload, length, 0));
	whole.packets = 1;
	if (options->packets == 1) {
		lab_report_udp(&whole, lab_local_port(descriptor), payload, length);
	} else {
		for (unsigned int i = 0; i < options->count; i++)
			lab_report_udp(&whole, lab_local_port(descriptor),
				       payload + i * options->size, options->size);
	}
	free(payload);
}

#define STREAMED_SEGMENTS 4

/* As a server sends a stream (QUIC): thousands of batches a second on one flow. */
void mode_gso_stream(const struct lab_options *options)
{
	size_t length = (size_t)STREAMED_SEGMENTS * options->size;
	int segment = options->size;
	int descriptor = lab_udp_socket(options);
	char *payload = malloc(length);

	lab_connect(options, descriptor);
	LAB_CHECK(setsockopt(descriptor, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)));
	for (unsigned int batch = 0; batch < options->count; batch++) {
		unsigned int first = options->first_counter + batch * STREAMED_SEGMENTS;

		for (int i = 0; i < STREAMED_SEGMENTS; i++)
			lab_fill(options, first + i, payload + i * options->size, options->size);
		LAB_CHECK(send(descriptor, payload, length, 0));
		for (int i = 0; i < STREAMED_SEGMENTS; i++)
			lab_report_udp(options, lab_local_port(descriptor),
				       payload + i * options->size, options->size);
		/* The captures shall keep up. */
		usleep(100);
	}
	free(payload);
}

/* Three writes, one datagram. */
static void send_in_three(const struct lab_options *options, bool cork)
{
	int descriptor = lab_udp_socket(options);
	size_t third = options->size / 3;
	char *payload = malloc(options->size);

	lab_connect(options, descriptor);
	for (unsigned int i = 0; i < options->count; i++) {
		int on = 1, off = 0, more = cork ? 0 : MSG_MORE;

		lab_fill(options, options->first_counter + i, payload, options->size);
		if (cork)
			LAB_CHECK(setsockopt(descriptor, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
		LAB_CHECK(send(descriptor, payload, third, more));
		LAB_CHECK(send(descriptor, payload + third, third, more));
		LAB_CHECK(send(descriptor, payload + 2 * third, options->size - 2 * third, 0));
		if (cork)
			LAB_CHECK(setsockopt(descriptor, IPPROTO_UDP, UDP_CORK, &off, sizeof(off)));
		lab_report_udp(options, lab_local_port(descriptor), payload, options->size);
	}
	free(payload);
}

void mode_cork(const struct lab_options *options)
{
	send_in_three(options, true);
}

void mode_more(const struct lab_options *options)
{
	send_in_three(options, false);
}

/* Nothing in the payload can tell these apart: every one goes to a port of its own. */
void mode_empty(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	struct lab_options one = *options;

	for (unsigned int i = 0; i < options->count; i++) {
		struct sockaddr_storage to =
			lab_address(options->destination, options->family, options->port + i);

		LAB_CHECK(sendto(descriptor, NULL, 0, 0, (struct sockaddr *)&to,
				 lab_address_length(&to)));
		one.port = options->port + i;
		lab_report_udp(&one, lab_local_port(descriptor), NULL, 0);
	}
}

void mode_multicast(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	int index = lab_interface_index(options);

	if (options->family == AF_INET) {
		struct ip_mreqn request = {.imr_ifindex = index};

		LAB_CHECK(setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_IF, &request,
				     sizeof(request)));
	} else {
		LAB_CHECK(setsockopt(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index,
				     sizeof(index)));
	}
	send_unconnected(options, descriptor);
}

void mode_broadcast(const struct lab_options *options)
{
	int descriptor = lab_udp_socket(options);
	int on = 1;

	LAB_CHECK(setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
	LAB_CHECK(setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, options->interface,
			     strlen(options->interface)));
	send_unconnected(options, descriptor);
}

/* Holds a port and takes what comes, without a word, until standard input ends. */
void mode_sink(const struct lab_options *options)
{
	struct sockaddr_storage address =
		lab_address(options->source, options->family, options->port);
	int descriptor = LAB_CHECK(socket(options->family, SOCK_DGRAM, 0));
	char byte;

	LAB_CHECK(bind(descriptor, (struct sockaddr *)&address, lab_address_length(&address)));
	fprintf(stderr, "opened\n");
	while (read(STDIN_FILENO, &byte, 1) == 1)
		;
}
