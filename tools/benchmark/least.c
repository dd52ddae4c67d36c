// SPDX-License-Identifier: Apache-2.0
/*
 * The least that a join of the generated files can do, for what the machine allows: reads both with
 * large reads, keeps the last records in a table by a hash of their headers, looks each UDP and
 * ICMP packet up in it, and counts packets by process and destinations by a set. It checks next to
 * nothing, knows one link type, and names a packet by its hash alone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER		(512 << 10)
#define LOOKAHEAD	50000000ull
#define WAYS		4
#define SETS		(1 << 16)
#define SET_CELLS	(1 << 21)
#define PROCESSES	65536
#define ENHANCED_PACKET 6
#define ETHERNET_HEADER 14

struct file {
	int descriptor;
	size_t begin, end;
	uint8_t bytes[2 * BUFFER];
};

struct entry {
	uint64_t hash;
	uint32_t process, turn;
};

struct evidence {
	uint64_t time;
	const uint8_t *packet;
	uint32_t process;
};

static struct file capture, evidence;
static struct entry table[SETS][WAYS];
static uint64_t destinations[SET_CELLS], packets_of[PROCESSES];
static uint64_t packets, named, distinct;

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The next `length` bytes, or NULL at the end. */
static const uint8_t *peek(struct file *file, size_t length)
{
	while (file->end - file->begin < length) {
		ssize_t count;

		memmove(file->bytes, file->bytes + file->begin, file->end - file->begin);
		file->end -= file->begin;
		file->begin = 0;
		count = read(file->descriptor, file->bytes + file->end, BUFFER);
		if (count <= 0)
			return NULL;
		file->end += count;
	}
	return file->bytes + file->begin;
}

static uint64_t mixed(uint64_t left, uint64_t right)
{
	unsigned __int128 product = (unsigned __int128)left * right;

	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Identification, addresses, ports and the first eight bytes of the payload. */
static uint64_t hash(const uint8_t *ip)
{
	const uint8_t *transport = ip + (ip[0] & 15) * 4;
	uint64_t first = mixed(get64(ip + 12) ^ 0x9E3779B97F4A7C15ull,
			       get32(transport) ^ 0xBF58476D1CE4E5B9ull);

	return mixed(first ^ get32(ip + 4), get64(transport + 8) ^ 0x94D049BB133111EBull) | 1;
}

static int next_evidence(struct evidence *next)
{
	for (;;) {
		const uint8_t *block = peek(&evidence, 12);
		uint32_t length = block ? get32(block + 4) : 0;

		if (!block || !(block = peek(&evidence, length)))
			return 0;
		evidence.begin += length;
		if (get32(block) != ENHANCED_PACKET)
			continue;
		next->time = (uint64_t)get32(block + 12) << 32 | get32(block + 16);
		next->packet = block + 28;
		/* The process is the last option but the end. */
		next->process = get32(block + length - 12) % PROCESSES;
		return 1;
	}
}

static void keep(const struct evidence *record)
{
	uint64_t value = hash(record->packet);
	struct entry *set = table[value >> 48], *oldest = set;
	static uint32_t turn;

	for (int way = 1; way < WAYS; way++)
		if (set[way].turn < oldest->turn)
			oldest = &set[way];
	*oldest = (struct entry){value, record->process, ++turn};
}

static void count_destination(const uint8_t *ip, uint32_t process)
{
	const uint8_t *transport = ip + (ip[0] & 15) * 4;
	uint64_t value = mixed(get32(ip + 16) ^ (uint64_t)process << 32 ^ 0x8EBC6AF09C88C6E3ull,
			       (get32(transport) >> 16) ^ 0xA0761D6478BD642Full) |
			 1;
	size_t cell = value % SET_CELLS;

	/* Bounded, as ours is. */
	if (distinct > SET_CELLS / 2)
		return;
	while (destinations[cell] && destinations[cell] != value)
		cell = (cell + 1) % SET_CELLS;
	distinct += !destinations[cell];
	destinations[cell] = value;
}

static void look_up(const uint8_t *ip)
{
	uint64_t value = hash(ip);
	struct entry *set = table[value >> 48];
	uint32_t process = PROCESSES - 1;

	for (int way = 0; way < WAYS; way++)
		if (set[way].hash == value)
			process = set[way].process;
	packets++;
	named += process != PROCESSES - 1;
	packets_of[process]++;
	count_destination(ip, process);
}

int main(int argc, char **argv)
{
	struct evidence next;
	int more;

	if (argc < 3 || (capture.descriptor = open(argv[1], O_RDONLY)) < 0 ||
	    (evidence.descriptor = open(argv[2], O_RDONLY)) < 0 || !peek(&capture, 24)) {
		fprintf(stderr, "usage: %s CAPTURE EVIDENCE\n", argv[0]);
		return 64;
	}
	/* Of nanoseconds or of microseconds. */
	uint64_t unit = get32(capture.bytes) == 0xA1B23C4D ? 1 : 1000;

	capture.begin += 24;
	more = next_evidence(&next);
	for (;;) {
		const uint8_t *header = peek(&capture, 16);
		uint32_t length = header ? get32(header + 8) : 0;
		const uint8_t *ip;
		uint64_t time;

		if (!header || !(header = peek(&capture, 16 + length)))
			break;
		capture.begin += 16 + length;
		time = get32(header) * 1000000000ull + get32(header + 4) * unit + LOOKAHEAD;
		while (more && next.time <= time) {
			keep(&next);
			more = next_evidence(&next);
		}
		ip = header + 16 + ETHERNET_HEADER;
		if (length >= ETHERNET_HEADER + 28 && ip[0] >> 4 == 4 &&
		    (ip[9] == 17 || ip[9] == 1))
			look_up(ip);
	}
	printf("%llu packets, %llu of a known process, %llu destinations\n",
	       (unsigned long long)packets, (unsigned long long)named,
	       (unsigned long long)distinct);
	return 0;
}
