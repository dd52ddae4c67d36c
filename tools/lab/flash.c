#include "flash.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void lab_prepare_flash(struct lab_flash *flash, const struct lab_options *options,
		       const char *program, unsigned int number, uint16_t source_port)
{
	const char *slash = strrchr(program, '/');

	lab_fill(options, options->first_counter + number, flash->payload, sizeof(flash->payload));
	for (size_t at = 0; at < sizeof(flash->payload); at++)
		snprintf(flash->hex + 2 * at, 3, "%02x", flash->payload[at]);
	snprintf(flash->source_port, sizeof(flash->source_port), "%u", source_port);
	snprintf(flash->port, sizeof(flash->port), "%u", options->port);
	memcpy(flash->arguments,
	       (const char *const[]){program, options->family == AF_INET ? "4" : "6",
				     options->source, flash->source_port, options->destination,
				     flash->port, flash->hex, NULL},
	       sizeof(flash->arguments));
	flash->sent = (struct lab_sent){
		.protocol = "udp",
		.source_port = source_port,
		.destination_port = options->port,
		.icmp_type = -1,
		.payload = flash->payload,
		.length = sizeof(flash->payload),
		.packets = 1,
	};
	flash->proxy = (struct lab_proxy){
		.name = slash ? slash + 1 : program,
		.executable = program,
		.arguments = flash->arguments,
	};
}
