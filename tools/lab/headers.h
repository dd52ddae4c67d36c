/* IP, UDP and ICMP headers made by hand, for sockets that leave them to the process. */
#ifndef LAB_HEADERS_H
#define LAB_HEADERS_H

#include "truth.h"

/* Writes an IP packet with a UDP datagram into `packet` and returns its length. */
size_t lab_udp_packet(const struct lab_options *options, uint16_t source_port,
		      uint16_t identification, const void *payload, size_t length,
		      unsigned char *packet);

/* The same with an ICMP or ICMPv6 echo request. */
size_t lab_echo_packet(const struct lab_options *options, uint16_t id, uint16_t sequence,
		       const void *payload, size_t length, unsigned char *packet);

/* An ICMP message without an IP header; the checksum of ICMPv6 is left to the kernel. */
size_t lab_echo_message(int family, bool reply, uint16_t id, uint16_t sequence, const void *payload,
			size_t length, unsigned char *message);

/* Puts an Ethernet header in front; addresses as six bytes. */
size_t lab_ethernet_header(int family, const unsigned char *to, const unsigned char *from,
			   unsigned char *frame);

/* Reads "02:00:00:00:00:01"; ends the sender where the text is none. */
void lab_parse_mac(const char *text, unsigned char *bytes);

/* ICMP's or ICMPv6's type of an echo request. */
int lab_echo_request_type(int family);

#endif
