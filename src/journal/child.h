/*
 * child.h
 *		A shell command that runs beside the keeper, which never waits for one.
 */
#ifndef PHIG_CHILD_H
#define PHIG_CHILD_H

#include "postgres.h"

#include "journal/shared.h"

typedef struct PhigChild
{
	pid_t		pid;			/* 0: none runs */
	double		started;		/* in phig_monotonic_ms() */
	int			output;			/* of one that is read from; it belongs to whoever started it */
} PhigChild;

typedef enum PhigChildState
{
	PHIG_CHILD_NONE,
	PHIG_CHILD_RUNS,
	PHIG_CHILD_DONE,			/* exit status 0 */
	PHIG_CHILD_FAILED			/* fault says how */
} PhigChildState;

/*
 * phig_child_start
 *		Run command by the shell, with input (a line, at most PIPE_BUF bytes; or NULL) as its standard input.
 *
 * What it prints goes to the server log.  It has no file or lock of ours, and may outlive the server.
 * Errors: none raised.
 */
extern bool phig_child_start(PhigChild *child, const char *command, const char *input, PhigFault *fault);

/*
 * phig_child_start_reading
 *		The same without input, and child->output gives what it prints: a pipe that does not wait.
 */
extern bool phig_child_start_reading(PhigChild *child, const char *command, PhigFault *fault);

/*
 * phig_child_poll
 *		What became of it.
 *
 * After DONE and FAILED it is NONE.  One that runs longer than patience_ms is killed, with all
 * that it started, and has failed.
 */
extern PhigChildState phig_child_poll(PhigChild *child, double patience_ms, PhigFault *fault);

/*
 * phig_child_command
 *		A setting's command, with %p and %f put in and %% made %; palloc'd.
 *
 * path, name: of the file; NULL where the command knows no such words.
 */
extern char *phig_child_command(const char *setting, const char *path, const char *name);

#endif
