/*
 * Holds whosent's NDJSON on standard input against what the payloads of tools/lab/flood say of
 * their senders, and prints counts as a JSON line for each token; the summary's line follows.
 * Millions of lines are too many for a JSON parser.
 *
 * usage: tally TOKEN=NAME...
 *
 * NAME is the name of the sending process, or "forwarded" for packets that no process here sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = 16, MARK_DIGITS = 8 };

struct group {
	const char *token; /* eight hexadecimal digits */
	const char *name;
	unsigned long long seen, exact, weaker, ambiguous, lost, unknown, forwarded, wrong,
		nameless;
	char example[2048]; /* the first line that is neither exact nor lost */
};

static struct group groups[MOST_TOKENS];
static int group_count;
static unsigned long long others, lines;
static char summary[1 << 22];

/* The text behind a member's name, or NULL. */
static const char *member(const char *line, const char *name)
{
	const char *found = line ? strstr(line, name) : NULL;

	return found ? found + strlen(name) : NULL;
}

static int begins(const char *text, const char *with)
{
	return text && !strncmp(text, with, strlen(with));
}

static struct group *group_of(const char *prefix)
{
	for (int index = 0; index < group_count; index++)
		if (begins(prefix, groups[index].token))
			return &groups[index];
	return NULL;
}

static unsigned long hexadecimal(const char *text)
{
	char digits[MARK_DIGITS + 1] = {0};

	memcpy(digits, text, MARK_DIGITS);
	return strtoul(digits, NULL, 16);
}

static int is_named(const char *name, const char *wanted)
{
	size_t length = strlen(wanted);

	return !strncmp(name, wanted, length) && name[length] == '"';
}

/* Whether the line names another process than the payload does, or gives it another's name. */
static int is_wrong(struct group *group, const char *process, const char *prefix)
{
	const char *name = member(process, "\"name\":\"");
	const char *end = member(process, "\"parent\"");

	if (strtoul(process, NULL, 10) != hexadecimal(prefix + MARK_DIGITS))
		return 1;
	/* Behind the parent every name is somebody else's. */
	if (!name || (end && name > end)) {
		group->nameless++;
		return 0;
	}
	return !is_named(name, group->name);
}

static void keep(struct group *group, const char *line)
{
	if (!group->example[0])
		snprintf(group->example, sizeof(group->example), "%.2000s", line);
}

static void count(struct group *group, const char *line, const char *prefix)
{
	const char *process = member(line, "\"process\":{\"pid\":");
	const char *judgement = member(line, "\"whosent\":{");
	const char *verdict = member(judgement, "\"verdict\":\"");
	const char *confidence = member(judgement, "\"confidence\":\"");
	int expects_process = strcmp(group->name, "forwarded");

	group->seen++;
	if (begins(verdict, "unknown\"")) {
		if (member(judgement, "\"reason\":\"evidence lost around this time")) {
			group->lost++;
			return;
		}
		group->unknown++;
	} else if (begins(verdict, "forwarded\"") && !expects_process) {
		group->forwarded++;
		return;
	} else if (!begins(verdict, "process\"") || !expects_process) {
		group->wrong++;
	} else if (begins(confidence, "ambiguous\"")) {
		group->ambiguous++;
	} else if (!process || is_wrong(group, process, prefix)) {
		group->wrong++;
	} else if (begins(confidence, "exact\"")) {
		group->exact++;
		return;
	} else {
		group->weaker++;
	}
	keep(group, line);
}

static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text >= 0x20)
			putchar(*text);
	}
}

static void print(const struct group *group)
{
	printf("{\"token\":\"%s\",\"name\":\"%s\",\"seen\":%llu,\"exact\":%llu,\"weaker\":%llu,"
	       "\"ambiguous\":%llu,\"lost\":%llu,\"unknown\":%llu,\"forwarded\":%llu,"
	       "\"wrong\":%llu,\"nameless\":%llu,\"example\":\"",
	       group->token, group->name, group->seen, group->exact, group->weaker,
	       group->ambiguous, group->lost, group->unknown, group->forwarded, group->wrong,
	       group->nameless);
	print_escaped(group->example);
	printf("\"}\n");
}

int main(int argc, char **argv)
{
	static char line[1 << 22];

	for (int index = 1; index < argc && group_count < MOST_TOKENS; index++) {
		char *name = strchr(argv[index], '=');

		if (!name || name - argv[index] != MARK_DIGITS) {
			fprintf(stderr, "usage: tally TOKEN=NAME...\n");
			return 64;
		}
		*name = 0;
		groups[group_count].token = argv[index];
		groups[group_count++].name = name + 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		const char *prefix = member(line, "\"prefix\":\"");
		struct group *group = prefix ? group_of(prefix) : NULL;

		lines++;
		line[strcspn(line, "\n")] = 0;
		if (group)
			count(group, line, prefix);
		else if (member(line, "\"summary\":{"))
			memcpy(summary, line, strlen(line) + 1);
		else
			others++;
	}
	for (int index = 0; index < group_count; index++)
		print(&groups[index]);
	printf("{\"others\":%llu,\"lines\":%llu}\n%s\n", others, lines, summary);
	return 0;
}
