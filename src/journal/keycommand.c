/*
 * keycommand.c
 *		phiguard.key_command, run beside the keeper.
 *
 * As ssl_passphrase_command does, it prints a secret on its standard output: master keys, 64
 * hexadecimal digits a line, the current one first.  They go to crypto/key.c, and their text
 * nowhere.  What the command says on its standard error goes to the server log.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "crypto/key.h"
#include "journal/keycommand.h"
#include "settings.h"

/* More than this nobody needs for PHIG_MASTER_KEYS_MAX lines. */
#define OUTPUT_MAX_BYTES 1024

static PhigChild child;
static bool wanted = false;
static char *output = NULL;		/* OUTPUT_MAX_BYTES where keys may lie */
static size_t output_len = 0;

void
phig_key_command_wanted(void)
{
	wanted = phig_key_command[0] != '\0';
	if (wanted)
		phig_key_awaited();
	else
		phig_key_unwanted();
}

bool
phig_key_command_pending(void)
{
	return wanted || child.pid != 0;
}

void
phig_key_command_stop(void)
{
	if (child.pid != 0)
		kill(-child.pid, SIGKILL);
}

/* What it printed since; a command that prints more than fits has not printed a key. */
static void
read_output(void)
{
	ssize_t		n;

	while (output_len < OUTPUT_MAX_BYTES &&
		   (n = read(child.output, output + output_len, OUTPUT_MAX_BYTES - output_len)) > 0)
		output_len += n;
}

static void
forget_output(void)
{
	OPENSSL_cleanse(output, OUTPUT_MAX_BYTES);
	output_len = 0;
	if (child.output >= 0)
		close(child.output);
	child.output = -1;
}

static PhigChildState
failed(PhigFault *fault)
{
	char		text[256];

	phig_fault_text(fault, text, sizeof(text));
	phig_key_missed(text);
	return PHIG_CHILD_FAILED;
}

static PhigChildState
start(PhigFault *fault)
{
	wanted = false;
	output_len = 0;
	if (output == NULL && (output = phig_key_memory(OUTPUT_MAX_BYTES)) == NULL)
	{
		phig_fault_set(fault, errno, "could not get memory for keys");
		return failed(fault);
	}
	return phig_child_start_reading(&child, phig_key_command, fault) ? PHIG_CHILD_RUNS : failed(fault);
}

/* It ended well: what it printed has to be keys. */
static PhigChildState
take_keys(PhigFault *fault)
{
	const char *objection;
	bool		arrived;

	read_output();
	arrived = phig_key_arrived(output, output_len, &objection);
	forget_output();
	if (arrived)
		return PHIG_CHILD_DONE;
	phig_fault_set(fault, 0, "%s", objection);
	return failed(fault);
}

PhigChildState
phig_key_command_work(PhigFault *fault)
{
	PhigChildState state;

	if (child.pid != 0)
		read_output();
	state = phig_child_poll(&child, phig_key_command_timeout * 1000.0, fault);
	switch (state)
	{
		case PHIG_CHILD_RUNS:
			return state;
		case PHIG_CHILD_FAILED:
			forget_output();
			return failed(fault);
		case PHIG_CHILD_DONE:
			return take_keys(fault);
		case PHIG_CHILD_NONE:
			break;
	}
	return wanted ? start(fault) : state;
}
