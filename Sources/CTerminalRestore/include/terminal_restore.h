#ifndef WHOSENT_TERMINAL_RESTORE_H
#define WHOSENT_TERMINAL_RESTORE_H

#include <stddef.h>
#include <termios.h>

/*
 * Puts a terminal back as it was, from wherever the program is: also from a handler of SIGSEGV, in
 * which Swift code must not run. All of it is async-signal-safe (signal-safety(7)).
 */

/*
 * Says what to restore: the modes, and the bytes that end what the screen was switched to. Installs
 * handlers that restore when the program crashes, and then let it crash as it would have.
 * `terminal` is non-blocking. 0, or an errno.
 */
int terminal_restore_arm(int terminal, const struct termios *modes, const char *bytes,
			 size_t count);

/* The terminal is as it was: nothing is to be restored any more. */
void terminal_restore_disarm(void);

/* Restores, if anything is armed. Output that the terminal has not taken yet is thrown away. */
void terminal_restore_now(void);

#endif
