// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a capture for measuring, and the evidence of it: of every 20 packets 8 are TCP, 9 UDP, 2
 * UDP with 8 bytes and 1 a ping, in changing order, with a mean frame of 420 bytes. The same seed
 * gives the same file.
 */
#include "evidence.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETHERNET_HEADER 14
#define IP_HEADER	20
#define LONGEST_FRAME	262144
#define FIRST_SECOND	1772360430ull /* 2026-03-01T10:20:30Z */
#define NANOSECONDS	1000000000ull
/* From the egress hook to the tap. */
#define DELAY	    4000
#define BLOCK	    20
#define NOISE_BYTES 65536

static uint64_t state;
static uint8_t noise[NOISE_BYTES + 2048];

/* xorshift64*: fast, and the same everywhere, which rand() is not. */
static uint64_t next_random(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545F4914F6CDD1DULL;
}

static uint32_t below(uint32_t bound)
{
	return (uint32_t)(((next_random() >> 32) * bound) >> 32);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value & 0xFF;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xFFFF);
}

/* RFC 1071. */
static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;
	size_t index;

	for (index = 0; index + 1 < length; index += 2)
		sum += bytes[index] << 8 | bytes[index + 1];
	if (length & 1)
		sum += bytes[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return ~sum & 0xFFFF;
}

enum kind { TCP, UDP, SMALL_UDP, PING };

/* Frame lengths; 0.4 * 572.8 + 0.45 * 402.2 + 0.1 * 50 + 0.05 * 98 = 420. */
static uint32_t frame_length(enum kind kind)
{
	switch (kind) {
	case TCP:
		return below(100) < 35 ? 1514 : 66;
	case UDP:
		return below(100) < 25 ? 1242 : 60 + below(125);
	case SMALL_UDP:
		return ETHERNET_HEADER + IP_HEADER + 8 + 8;
	default:
		return 98;
	}
}

static void fill_ip(uint8_t *ip, uint8_t protocol, uint32_t length, uint32_t source,
		    uint32_t destination)
{
	static uint16_t id;

	ip[0] = 0x45;
	ip[1] = 0;
	put16(ip + 2, length);
	put16(ip + 4, ++id);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = protocol;
	put16(ip + 10, 0);
	put32(ip + 12, source);
	put32(ip + 16, destination);
	put16(ip + 10, checksum(ip, IP_HEADER));
}

/* What the evidence has to know. */
struct packet {
	uint32_t flow;
	int is_sent;
};

/* Checksums of UDP and TCP are 0: what a capture on the sender shows before the card fills them in.
 */
static struct packet fill_frame(uint8_t *frame, uint32_t length, enum kind kind)
{
	static const uint16_t tcp_ports[] = {443, 443, 443, 80, 22, 389, 445, 135};
	static const uint16_t udp_ports[] = {443, 443, 53, 53, 123, 514, 4500, 5004};
	static uint16_t sequence;
	uint8_t *ip = frame + ETHERNET_HEADER, *transport = ip + IP_HEADER;
	uint32_t flow = below(kind == SMALL_UDP ? 200 : kind == PING ? 50 : 3000);
	uint32_t local = 0xC0000200u + 1 + flow % NEAR_ADDRESSES; /* 192.0.2.0/24 */
	uint32_t remote = 0xC6336400u + 1 + flow % 250;		  /* 198.51.100.0/24 */
	uint32_t header = kind == TCP ? 32 : 8;
	int outward = kind == SMALL_UDP || below(2);

	memcpy(frame,
	       outward ? "\x00\x00\x5e\x00\x53\x02\x00\x00\x5e\x00\x53\x01\x08\x00"
		       : "\x00\x00\x5e\x00\x53\x01\x00\x00\x5e\x00\x53\x02\x08\x00",
	       ETHERNET_HEADER);
	fill_ip(ip,
		kind == TCP    ? 6
		: kind == PING ? 1
			       : 17,
		length - ETHERNET_HEADER, outward ? local : remote, outward ? remote : local);
	memset(transport, 0, header);
	memcpy(transport + header, noise + below(NOISE_BYTES),
	       length - ETHERNET_HEADER - IP_HEADER - header);
	if (kind == PING) {
		transport[0] = outward ? 8 : 0;
		put16(transport + 4, 1000 + flow);
		put16(transport + 6, ++sequence);
		put16(transport + 2, checksum(transport, length - ETHERNET_HEADER - IP_HEADER));
		return (struct packet){flow, outward};
	}
	uint16_t near_port = 32768 + flow;
	uint16_t far_port = kind == TCP	  ? tcp_ports[flow % 8]
			    : kind == UDP ? udp_ports[flow % 8]
					  : 20000 + flow;

	put16(transport, outward ? near_port : far_port);
	put16(transport + 2, outward ? far_port : near_port);
	if (kind == TCP) {
		put32(transport + 4, (uint32_t)next_random());
		put32(transport + 8, (uint32_t)next_random());
		transport[12] = 0x80;
		transport[13] = 0x10;
		put16(transport + 14, 501);
		transport[20] = transport[21] =
			1; /* two no-operations before the time stamps option */
		transport[22] = 8;
		transport[23] = 10;
	} else {
		put16(transport + 4, length - ETHERNET_HEADER - IP_HEADER);
	}
	return (struct packet){flow + (kind == SMALL_UDP ? 4000 : 0), outward && kind != TCP};
}

static void shuffle(enum kind *kinds)
{
	for (int index = BLOCK - 1; index > 0; index--) {
		int other = below(index + 1);
		enum kind kept = kinds[index];

		kinds[index] = kinds[other];
		kinds[other] = kept;
	}
}

struct files {
	FILE *capture;
	FILE *evidence; /* may be none */
	uint32_t snap_length;
};

static int write_packet(const struct files *files, enum kind kind, uint64_t time, uint64_t *bytes)
{
	static uint8_t frame[2048];
	uint32_t length = frame_length(kind);
	uint32_t kept = length < files->snap_length ? length : files->snap_length;
	struct packet packet = fill_frame(frame, length, kind);
	uint32_t header[4] = {time / NANOSECONDS, time % NANOSECONDS / 1000, kept, length};

	*bytes += length;
	if (fwrite(header, sizeof(header), 1, files->capture) != 1 ||
	    fwrite(frame, kept, 1, files->capture) != 1)
		return -1;
	if (!files->evidence || !packet.is_sent)
		return 0;
	return evidence_send(files->evidence, time - DELAY, packet.flow, frame + ETHERNET_HEADER,
			     length - ETHERNET_HEADER);
}

static int write_packets(const struct files *files, uint64_t count)
{
	enum kind kinds[BLOCK] = {TCP, TCP, TCP, TCP, TCP, TCP, TCP, TCP,	UDP,	   UDP,
				  UDP, UDP, UDP, UDP, UDP, UDP, UDP, SMALL_UDP, SMALL_UDP, PING};
	uint64_t start = FIRST_SECOND * NANOSECONDS, time = start, bytes = 0;

	if (files->evidence && evidence_begin(files->evidence, start))
		return -1;
	for (uint64_t index = 0; index < count; index++) {
		if (index % BLOCK == 0)
			shuffle(kinds);
		time += 5000 + below(40000);
		if (write_packet(files, kinds[index % BLOCK], time, &bytes))
			return -1;
	}
	fprintf(stderr, "%llu packets, mean frame %.1f bytes\n", (unsigned long long)count,
		count ? (double)bytes / count : 0.0);
	return files->evidence ? evidence_end(files->evidence, time + NANOSECONDS) : 0;
}

static FILE *create(const char *path)
{
	FILE *file = fopen(path, "wb");

	if (file)
		setvbuf(file, NULL, _IOFBF, 1 << 20);
	return file;
}

int main(int argc, char **argv)
{
	struct files files = {.snap_length = LONGEST_FRAME};
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (argc < 3 || argc > 5 || !count) {
		fprintf(stderr, "usage: %s FILE PACKETS [SNAP-LENGTH [EVIDENCE]]\n", argv[0]);
		return 64;
	}
	if (argc > 3 && strtoul(argv[3], NULL, 10))
		files.snap_length = strtoul(argv[3], NULL, 10);
	/* Magic, version 2.4, zone, accuracy, snap length, LINKTYPE_ETHERNET; in this machine's
	 * byte order. */
	uint32_t header[6] = {0xA1B2C3D4u, 4 << 16 | 2, 0, 0, files.snap_length, 1};

	/* xorshift's state must not be 0. */
	state = 20260301 | 1ULL << 63;
	for (size_t index = 0; index < sizeof(noise); index++)
		noise[index] = next_random() >> 56;
	files.capture = create(argv[1]);
	if (argc > 4)
		files.evidence = create(argv[4]);
	if (!files.capture || (argc > 4 && !files.evidence) ||
	    fwrite(header, sizeof(header), 1, files.capture) != 1 || write_packets(&files, count) ||
	    fclose(files.capture) || (files.evidence && fclose(files.evidence))) {
		perror(argv[0]);
		return 74;
	}
	return 0;
}
