#include "terminal_restore.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
enum { CRASHES = sizeof(crashes) / sizeof(crashes[0]) };

static struct sigaction before[CRASHES];
static struct termios saved_modes;
static char ending[256];
static size_t ending_length;
static int saved_terminal = -1;
static volatile sig_atomic_t is_armed, has_handlers;
/* A stack that overflowed cannot run its own handler. */
static char handler_stack[64 * 1024];

void terminal_restore_now(void)
{
	struct termios flowing;
	sigset_t background, mask;
	int code = errno;

	if (!is_armed)
		return;
	is_armed = 0;
	/* A process in the background may change the modes only while it ignores or blocks this. */
	sigemptyset(&background);
	sigaddset(&background, SIGTTOU);
	sigprocmask(SIG_BLOCK, &background, &mask);
	tcflush(saved_terminal, TCOFLUSH);
	/* After Ctrl-S the terminal takes nothing until flow control is switched off. */
	flowing = saved_modes;
	flowing.c_iflag &= ~(tcflag_t)IXON;
	tcsetattr(saved_terminal, TCSANOW, &flowing);
	tcsetattr(saved_terminal, TCSANOW, &saved_modes);
	if (write(saved_terminal, ending, ending_length) < 0)
		errno = 0;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	errno = code;
}

static void on_crash(int number)
{
	terminal_restore_now();
	for (int index = 0; index < CRASHES; index++)
		if (crashes[index] == number)
			sigaction(number, &before[index], NULL);
	/* Blocked until the handler returns, and then it ends the program. */
	raise(number);
}

static int install_handlers(void)
{
	stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};

	sigemptyset(&action.sa_mask);
	sigaltstack(&stack, NULL);
	for (int index = 0; index < CRASHES; index++)
		if (sigaction(crashes[index], &action, &before[index]))
			return errno;
	has_handlers = 1;
	return 0;
}

int terminal_restore_arm(int terminal, const struct termios *modes, const char *bytes, size_t count)
{
	if (count > sizeof(ending))
		return EINVAL;
	is_armed = 0;
	saved_terminal = terminal;
	saved_modes = *modes;
	memcpy(ending, bytes, count);
	ending_length = count;
	if (!has_handlers && install_handlers())
		return errno;
	is_armed = 1;
	return 0;
}

void terminal_restore_disarm(void)
{
	is_armed = 0;
}
