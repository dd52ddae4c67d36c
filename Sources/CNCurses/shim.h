#ifndef CNCURSES_SHIM_H
#define CNCURSES_SHIM_H
/* Functions in place of macros, which Swift cannot call. */
#define NCURSES_NOMACROS 1
#include <curses.h>

/* Swift refuses C's global variables as data races; all of ncurses is called from one thread. */
static inline WINDOW *cncurses_screen(void)
{
	return stdscr;
}

/* The attributes are macros that cast. */
static inline int cncurses_set_style(int bold, int reverse, int colour_pair)
{
	return wattrset(stdscr,
			(bold ? A_BOLD : 0) | (reverse ? A_REVERSE : 0) | COLOR_PAIR(colour_pair));
}
#endif
