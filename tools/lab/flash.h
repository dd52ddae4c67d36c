/* A process that execs once.c, sends one datagram and is gone: another one tells about it. */
#ifndef LAB_FLASH_H
#define LAB_FLASH_H

#include "truth.h"

struct lab_flash {
	/* Not 8 bytes: a burst of those would look like notifications of new mail. */
	unsigned char payload[2 * LAB_MARK_SIZE];
	char hex[2 * 2 * LAB_MARK_SIZE + 1];
	char source_port[8];
	char port[8];
	const char *arguments[8];
	struct lab_sent sent;
	struct lab_proxy proxy; /* its pid and lifetime are the caller's to set */
};

/* Fills in everything for the datagram of this number; `program` has to outlive the flash. */
void lab_prepare_flash(struct lab_flash *flash, const struct lab_options *options,
		       const char *program, unsigned int number, uint16_t source_port);

#endif
