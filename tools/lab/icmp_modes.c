#include "headers.h"
#include "modes.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *icmp_name(int family)
{
	return family == AF_INET ? "icmp" : "ipv6-icmp";
}

static void report_echo(const struct lab_options *options, bool reply, uint16_t id,
			uint16_t sequence, const void *payload)
{
	int reply_type = options->family == AF_INET ? 0 : 129;
	struct lab_sent sent = {
		.protocol = icmp_name(options->family),
		.icmp_type = reply ? reply_type : lab_echo_request_type(options->family),
		.icmp_id = id,
		.icmp_sequence = sequence,
		.payload = payload,
		.length = options->size,
		.packets = 1,
	};

	lab_report(options, &sent);
}

static void send_echoes(const struct lab_options *options, int descriptor, bool reply, bool own_id)
{
	struct sockaddr_storage to = lab_address(options->destination, options->family, 0);
	unsigned char *payload = malloc(options->size), *message = malloc(options->size + 8);
	uint16_t id = own_id ? (uint16_t)(0x4000 | (getpid() & 0x3fff)) : 0;

	for (unsigned int i = 0; i < options->count; i++) {
		size_t length;

		lab_fill(options, options->first_counter + i, payload, options->size);
		length = lab_echo_message(options->family, reply, id, i + 1, payload, options->size,
					  message);
		LAB_CHECK(sendto(descriptor, message, length, 0, (struct sockaddr *)&to,
				 lab_address_length(&to)));
		/* A ping socket's id is its port, chosen by the kernel at the first send. */
		report_echo(options, reply, own_id ? id : lab_local_port(descriptor), i + 1,
			    payload);
	}
	free(payload);
	free(message);
}

static uint8_t icmp_protocol(int family)
{
	return family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

void mode_ping_socket(const struct lab_options *options)
{
	int descriptor =
		LAB_CHECK(socket(options->family, SOCK_DGRAM, icmp_protocol(options->family)));

	send_echoes(options, descriptor, false, false);
}

void mode_raw_echo(const struct lab_options *options)
{
	int descriptor =
		LAB_CHECK(socket(options->family, SOCK_RAW, icmp_protocol(options->family)));

	send_echoes(options, descriptor, false, true);
}

/* Replies that nobody asked for, made in user space. */
void mode_raw_echo_reply(const struct lab_options *options)
{
	int descriptor =
		LAB_CHECK(socket(options->family, SOCK_RAW, icmp_protocol(options->family)));

	send_echoes(options, descriptor, true, true);
}

/* UDP with the process's own IP header. */
void mode_raw_udp(const struct lab_options *options)
{
	struct sockaddr_storage to = lab_address(options->destination, options->family, 0);
	int descriptor = LAB_CHECK(socket(options->family, SOCK_RAW, IPPROTO_RAW));
	unsigned char *payload = malloc(options->size), *packet = malloc(options->size + 64);
	uint16_t source_port = options->source_port ? options->source_port : 40000;

	for (unsigned int i = 0; i < options->count; i++) {
		size_t length;

		lab_fill(options, options->first_counter + i, payload, options->size);
		length =
			lab_udp_packet(options, source_port, i + 1, payload, options->size, packet);
		LAB_CHECK(sendto(descriptor, packet, length, 0, (struct sockaddr *)&to,
				 lab_address_length(&to)));
		lab_report_udp(options, source_port, payload, options->size);
	}
	free(payload);
	free(packet);
}

/* An innocent bystander with raw ICMP sockets, which sends nothing. */
void mode_hold_raw(const struct lab_options *options)
{
	char byte;

	(void)options;
	LAB_CHECK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	LAB_CHECK(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
	fprintf(stderr, "opened\n");
	while (read(STDIN_FILENO, &byte, 1) == 1)
		;
}
