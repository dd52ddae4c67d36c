#include "headers.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t sum(const void *data, size_t length, uint32_t start)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return start;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons(~total & 0xffff);
}

int lab_echo_request_type(int family)
{
	return family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
}

/* Writes the IP header and returns its length; `pseudo` is the start of the transport's checksum.
 */
static size_t ip_header(const struct lab_options *options, uint8_t protocol,
			uint16_t identification, size_t length, unsigned char *packet,
			uint32_t *pseudo)
{
	struct sockaddr_storage from = lab_address(options->source, options->family, 0);
	struct sockaddr_storage to = lab_address(options->destination, options->family, 0);

	*pseudo = protocol + length;
	if (options->family == AF_INET) {
		struct iphdr header = {
			.version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(header) + length),
			.id = htons(identification),
			.ttl = 64,
			.protocol = protocol,
			.saddr = ((struct sockaddr_in *)&from)->sin_addr.s_addr,
			.daddr = ((struct sockaddr_in *)&to)->sin_addr.s_addr,
		};

		header.check = fold(sum(&header, sizeof(header), 0));
		memcpy(packet, &header, sizeof(header));
		*pseudo = sum(&header.saddr, 8, *pseudo);
		return sizeof(header);
	}
	struct ip6_hdr header = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons(length),
		.ip6_nxt = protocol,
		.ip6_hlim = 64,
		.ip6_src = ((struct sockaddr_in6 *)&from)->sin6_addr,
		.ip6_dst = ((struct sockaddr_in6 *)&to)->sin6_addr,
	};

	memcpy(packet, &header, sizeof(header));
	*pseudo = sum(&header.ip6_src, 32, *pseudo);
	return sizeof(header);
}

size_t lab_udp_packet(const struct lab_options *options, uint16_t source_port,
		      uint16_t identification, const void *payload, size_t length,
		      unsigned char *packet)
{
	struct udphdr header = {
		.source = htons(source_port),
		.dest = htons(options->port),
		.len = htons(sizeof(header) + length),
	};
	uint32_t pseudo;
	size_t at = ip_header(options, IPPROTO_UDP, identification, sizeof(header) + length, packet,
			      &pseudo);

	header.check = fold(sum(payload, length, sum(&header, sizeof(header), pseudo)));
	if (!header.check)
		header.check = 0xffff;
	memcpy(packet + at, &header, sizeof(header));
	memcpy(packet + at + sizeof(header), payload, length);
	return at + sizeof(header) + length;
}

size_t lab_echo_message(int family, bool reply, uint16_t id, uint16_t sequence, const void *payload,
			size_t length, unsigned char *message)
{
	struct icmphdr header = {
		.type = reply ? (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)
			      : lab_echo_request_type(family),
		.un.echo = {.id = htons(id), .sequence = htons(sequence)},
	};

	if (family == AF_INET)
		header.checksum = fold(sum(payload, length, sum(&header, sizeof(header), 0)));
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), payload, length);
	return sizeof(header) + length;
}

size_t lab_echo_packet(const struct lab_options *options, uint16_t id, uint16_t sequence,
		       const void *payload, size_t length, unsigned char *packet)
{
	uint8_t protocol = options->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	size_t message = sizeof(struct icmphdr) + length;
	uint32_t pseudo;
	size_t at = ip_header(options, protocol, sequence + 1, message, packet, &pseudo);

	lab_echo_message(options->family, false, id, sequence, payload, length, packet + at);
	if (options->family == AF_INET6)
		((struct icmphdr *)(packet + at))->checksum =
			fold(sum(packet + at, message, pseudo));
	return at + message;
}

size_t lab_ethernet_header(int family, const unsigned char *to, const unsigned char *from,
			   unsigned char *frame)
{
	uint16_t type = htons(family == AF_INET ? 0x0800 : 0x86dd);

	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	memcpy(frame + 12, &type, sizeof(type));
	return 14;
}

void lab_parse_mac(const char *text, unsigned char *bytes)
{
	if (!text || sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &bytes[0], &bytes[1], &bytes[2],
			    &bytes[3], &bytes[4], &bytes[5]) != 6) {
		fprintf(stderr, "--mac needs an address such as 02:00:00:00:00:01\n");
		exit(64);
	}
}
