// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks of draft-ietf-opsawg-pcapng with the comments that whosent's evidence has: 64 processes,
 * each of which sends on many sockets.
 */
#include "evidence.h"

#include <string.h>
#include <time.h>

#define PROCESSES	 64
#define FIRST_PID	 1000
#define SNAP_LENGTH	 96
#define COMMENT_LIMIT	 4096
#define NAMESPACE	 4026531840u
#define APPLICATION_NAME "whosent 0.1.0"
#define BOOT		 "5b6c8d0e-3f2a-4c1d-9e7b-0a1b2c3d4e5f"
#define NANOSECONDS	 1000000000ull
/* Of the boot clock. */
#define PROCESS_START 9220000000ull

enum option {
	COMMENT = 1,
	NAME = 2,
	FLAGS = 2,
	APPLICATION = 4,
	RESOLUTION = 9,
	PROCESS_THREAD = 8,
	PROCESS = 0x8001
};

static uint8_t block[16384];
static size_t length;
static uint64_t sends;

static void put(const void *bytes, size_t count)
{
	memcpy(block + length, bytes, count);
	length += count;
	while (length % 4)
		block[length++] = 0;
}

static void word(uint32_t value)
{
	put(&value, sizeof(value));
}

static void option(uint16_t code, const void *bytes, uint16_t count)
{
	uint16_t head[2] = {code, count};

	put(head, sizeof(head));
	put(bytes, count);
}

static void begin(uint32_t type)
{
	length = 0;
	word(type);
	word(0);
}

static int finish(FILE *file)
{
	uint32_t whole;

	word(0); /* the end of options */
	whole = length + 4;
	word(whole);
	memcpy(block + 4, &whole, sizeof(whole));
	return fwrite(block, whole, 1, file) == 1 ? 0 : -1;
}

static void put_time(uint64_t time)
{
	word(time >> 32);
	word(time & 0xFFFFFFFF);
}

static void text_time(char *text, size_t size, uint64_t time)
{
	time_t seconds = time / NANOSECONDS;
	char date[32];

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
	snprintf(text, size, "%s.%09lluZ", date, (unsigned long long)(time % NANOSECONDS));
}

static int put_interface(FILE *file, const char *name)
{
	uint8_t nanoseconds = 9;

	begin(1);
	word(101); /* LINKTYPE_RAW */
	word(SNAP_LENGTH);
	option(NAME, name, strlen(name));
	option(RESOLUTION, &nanoseconds, 1);
	return finish(file);
}

static int put_process(FILE *file, uint32_t number, const char *start)
{
	char comment[COMMENT_LIMIT], name[16];
	uint32_t pid = FIRST_PID + number;

	snprintf(name, sizeof(name), "daemon%u", number);
	begin(0x80000001);
	word(pid);
	snprintf(comment, sizeof(comment),
		 "{\"pid\":%u,\"name\":\"%s\",\"executable\":\"/usr/sbin/%s\",\"args\":[\"/usr/"
		 "sbin/%s\",\"-d\"],"
		 "\"parent\":{\"pid\":1,\"name\":\"systemd\",\"executable\":\"/usr/lib/systemd/"
		 "systemd\"},"
		 "\"user\":{\"id\":\"%u\"},\"entity_id\":\"" BOOT "-%u-%llu\"}",
		 pid, name, name, name, 100 + number, pid, PROCESS_START);
	option(COMMENT, comment, strlen(comment));
	snprintf(comment, sizeof(comment),
		 "{\"whosent\":{\"start\":%llu,\"image_version\":1,\"time\":\"%s\"}}",
		 PROCESS_START, start);
	option(COMMENT, comment, strlen(comment));
	option(NAME, name, strlen(name));
	return finish(file);
}

int evidence_begin(FILE *file, uint64_t start)
{
	char comment[COMMENT_LIMIT], date[48];
	size_t used;
	int64_t unknown = -1;

	text_time(date, sizeof(date), start);
	used = snprintf(
		comment, sizeof(comment),
		"{\"whosent\":\"recording\",\"host\":\"generated\",\"boot_id\":\"" BOOT
		"\",\"clock\":\"boot clock, mapped to the wall "
		"clock\",\"start\":\"%s\",\"filter\":\"\",\"wire\":true,"
		"\"interface_count\":2,\"interfaces\":[{\"index\":1,\"name\":\"lo\",\"netns\":%u,"
		"\"addresses\":"
		"[\"127.0.0.1/"
		"8\"]},{\"index\":2,\"name\":\"eth0\",\"netns\":%u,\"mac\":\"00-00-5E-00-53-01\","
		"\"addresses\":[",
		date, NAMESPACE, NAMESPACE);
	for (int index = 1; index <= NEAR_ADDRESSES; index++)
		used += snprintf(comment + used, sizeof(comment) - used, "%s\"192.0.2.%d/24\"",
				 index > 1 ? "," : "", index);
	snprintf(comment + used, sizeof(comment) - used, "]}]}");
	begin(0x0A0D0D0A);
	word(0x1A2B3C4D);
	word(1); /* version 1.0 */
	put(&unknown, sizeof(unknown));
	option(COMMENT, comment, strlen(comment));
	option(APPLICATION, APPLICATION_NAME, strlen(APPLICATION_NAME));
	if (finish(file) || put_interface(file, "whosent-send") ||
	    put_interface(file, "whosent-wire"))
		return -1;
	for (uint32_t number = 0; number < PROCESSES; number++)
		if (put_process(file, number, date))
			return -1;
	return 0;
}

int evidence_send(FILE *file, uint64_t time, uint32_t flow, const uint8_t *packet,
		  uint32_t packet_length)
{
	uint32_t kept = packet_length < SNAP_LENGTH ? packet_length : SNAP_LENGTH;
	uint32_t process = flow % PROCESSES, pid = FIRST_PID + process;
	uint32_t both[2] = {pid, pid}, outbound = 2;
	char comment[COMMENT_LIMIT];

	begin(6);
	word(0);
	put_time(time);
	word(kept);
	word(packet_length);
	put(packet, kept);
	snprintf(comment, sizeof(comment),
		 "NETNS=%u IF=2 IFNAME=eth0 COOKIE=%u UID=%u GID=%u IMAGE=1 START=%llu PATH=egress "
		 "PROOF=verified TNAME=\"daemon%u\"",
		 NAMESPACE, 1 + flow, 100 + process, 100 + process, PROCESS_START, process);
	option(COMMENT, comment, strlen(comment));
	option(FLAGS, &outbound, sizeof(outbound));
	option(PROCESS_THREAD, both, sizeof(both));
	option(PROCESS, &process, sizeof(process));
	sends++;
	return finish(file);
}

int evidence_end(FILE *file, uint64_t stop)
{
	char comment[COMMENT_LIMIT], date[48];

	text_time(date, sizeof(date), stop);
	snprintf(comment, sizeof(comment),
		 "{\"end\":{\"stop\":\"%s\",\"sends\":%llu,\"wires\":0,\"lost\":{}}}", date,
		 (unsigned long long)sends);
	begin(5);
	word(0);
	put_time(stop);
	option(COMMENT, comment, strlen(comment));
	return finish(file);
}
