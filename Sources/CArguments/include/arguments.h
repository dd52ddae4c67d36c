#ifndef WHOSENT_ARGUMENTS_H
#define WHOSENT_ARGUMENTS_H

/* How many words the command line has, the program's name included. */
int arguments_count(void);

/* The word at an index below arguments_count(). */
const char *arguments_word(int index);

#endif
