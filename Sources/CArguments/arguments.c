#include "arguments.h"

static int count;
static char **words;

/* glibc hands constructors what main gets. Swift's own list of arguments comes from
 * /proc/self/cmdline, and is empty in an empty root. */
__attribute__((constructor)) static void keep(int argc, char **argv)
{
	count = argc;
	words = argv;
}

int arguments_count(void)
{
	return count;
}

const char *arguments_word(int index)
{
	return words[index];
}
