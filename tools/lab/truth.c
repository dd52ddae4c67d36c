#include "truth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

long lab_check(long result, const char *what, const char *file, int line)
{
	if (result < 0) {
		fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, strerror(errno));
		exit(1);
	}
	return result;
}

void lab_fill(const struct lab_options *options, uint32_t counter, void *payload, size_t length)
{
	uint32_t mark[2] = {htonl(options->token), htonl(counter)};
	unsigned char *bytes = payload;

	for (size_t i = 0; i < length; i++)
		bytes[i] = ((unsigned char *)mark)[i % LAB_MARK_SIZE];
}

/* A line below PIPE_BUF goes out in one write, so that threads and children never mix theirs. */
struct line {
	char text[4000];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format,
			   arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(line->text) - line->used) {
		fprintf(stderr, "a truth line is longer than %zu bytes\n", sizeof(line->text));
		exit(1);
	}
	line->used += length;
}

static void append_string(struct line *line, const char *text)
{
	append(line, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			append(line, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			append(line, "\\u%04x", *text);
		else
			append(line, "%c", *text);
	}
	append(line, "\"");
}

static size_t read_file(const char *path, char *buffer, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length = 0;

	if (file) {
		length = fread(buffer, 1, size - 1, file);
		fclose(file);
	}
	buffer[length] = 0;
	return length;
}

static void append_self(struct line *line)
{
	char thread_name[17] = {0}, buffer[2048];
	size_t length;

	prctl(PR_GET_NAME, thread_name);
	length = read_file("/proc/self/comm", buffer, sizeof(buffer));
	if (length && buffer[length - 1] == '\n')
		buffer[length - 1] = 0;
	append(line, ",\"pid\":%d,\"tid\":%ld,\"ppid\":%d,\"name\":", getpid(), syscall(SYS_gettid),
	       getppid());
	append_string(line, buffer);
	append(line, ",\"thread_name\":");
	append_string(line, thread_name);
	length = LAB_CHECK(readlink("/proc/self/exe", buffer, sizeof(buffer) - 1));
	buffer[length] = 0;
	append(line, ",\"executable\":");
	append_string(line, buffer);
	append(line, ",\"args\":[");
	length = read_file("/proc/self/cmdline", buffer, sizeof(buffer));
	for (size_t at = 0; at < length; at += strlen(buffer + at) + 1) {
		append(line, at ? "," : "");
		append_string(line, buffer + at);
	}
	append(line, "]");
}

static void append_proxy(struct line *line, const struct lab_proxy *proxy)
{
	append(line, ",\"pid\":%d,\"tid\":%d,\"ppid\":%d,\"name\":", proxy->pid, proxy->pid,
	       getpid());
	append_string(line, proxy->name);
	append(line, ",\"thread_name\":");
	append_string(line, proxy->name);
	append(line, ",\"executable\":");
	append_string(line, proxy->executable);
	append(line, ",\"lifetime_us\":%ld,\"args\":[", proxy->lifetime_us);
	for (const char *const *argument = proxy->arguments; *argument; argument++) {
		append(line, argument == proxy->arguments ? "" : ",");
		append_string(line, *argument);
	}
	append(line, "]");
}

void lab_report_for(const struct lab_options *options, const struct lab_sent *sent,
		    const struct lab_proxy *proxy)
{
	struct line line = {.used = 0};
	const unsigned char *payload = sent->payload;
	size_t shown = sent->length < 16 ? sent->length : 16;

	append(&line, "{\"row\":");
	append_string(&line, options->row);
	append(&line, ",\"mode\":");
	append_string(&line, options->mode);
	if (proxy)
		append_proxy(&line, proxy);
	else
		append_self(&line);
	append(&line, ",\"protocol\":\"%s\",\"source\":\"%s\",\"destination\":\"%s\"",
	       sent->protocol, options->source, options->destination);
	if (sent->icmp_type < 0)
		append(&line, ",\"source_port\":%u,\"destination_port\":%u", sent->source_port,
		       sent->destination_port);
	else
		append(&line, ",\"icmp_type\":%d,\"icmp_id\":%u,\"icmp_seq\":%u", sent->icmp_type,
		       sent->icmp_id, sent->icmp_sequence);
	append(&line, ",\"length\":%zu,\"packets\":%u,\"prefix\":\"", sent->length, sent->packets);
	for (size_t i = 0; i < shown; i++)
		append(&line, "%02x", payload[i]);
	append(&line, "\"}\n");
	LAB_CHECK(write(STDOUT_FILENO, line.text, line.used));
}

void lab_report(const struct lab_options *options, const struct lab_sent *sent)
{
	lab_report_for(options, sent, NULL);
}

void lab_report_udp(const struct lab_options *options, uint16_t source_port, const void *payload,
		    size_t length)
{
	struct lab_sent sent = {
		.protocol = "udp",
		.source_port = source_port,
		.destination_port = options->port,
		.icmp_type = -1,
		.payload = payload,
		.length = length,
		.packets = options->packets,
	};

	lab_report(options, &sent);
}

void lab_wait_if_asked(const struct lab_options *options)
{
	char byte;

	if (!options->wait)
		return;
	fprintf(stderr, "opened\n");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

struct sockaddr_storage lab_address(const char *text, int family, uint16_t port)
{
	struct sockaddr_storage storage = {.ss_family = family};
	void *bytes;

	if (family == AF_INET) {
		((struct sockaddr_in *)&storage)->sin_port = htons(port);
		bytes = &((struct sockaddr_in *)&storage)->sin_addr;
	} else {
		((struct sockaddr_in6 *)&storage)->sin6_port = htons(port);
		bytes = &((struct sockaddr_in6 *)&storage)->sin6_addr;
	}
	if (inet_pton(family, text, bytes) != 1) {
		fprintf(stderr, "not an address of the family asked for: %s\n", text);
		exit(64);
	}
	return storage;
}

socklen_t lab_address_length(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

uint16_t lab_local_port(int descriptor)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	LAB_CHECK(getsockname(descriptor, (struct sockaddr *)&address, &length));
	return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
						  : ((struct sockaddr_in6 *)&address)->sin6_port);
}

int lab_interface_index(const struct lab_options *options)
{
	unsigned int index = options->interface ? if_nametoindex(options->interface) : 0;

	if (!index) {
		fprintf(stderr, "--interface names none: %s\n",
			options->interface ? options->interface : "(not given)");
		exit(66);
	}
	return (int)index;
}
